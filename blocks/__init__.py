"""What an operator edits in the Prefect UI; the next run uses it."""
