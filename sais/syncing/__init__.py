"""Comparing the storages of an account with its rows, and mending what differs (docs/decisions/0024)."""
