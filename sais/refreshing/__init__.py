"""Asking sources again whether they have changed, and taking in what has (docs/decisions/0025)."""
