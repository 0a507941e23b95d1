"""Whole stacks of real processes that are killed at random moments and at every seam, and what must be true after."""
