"""Thumbs of a former recipe are made again: planned, at a pace, and after all new work."""
