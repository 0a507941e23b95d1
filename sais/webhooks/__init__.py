"""Calling the client back: what is said (outbox), how it is signed, and how it is sent until it arrives."""
