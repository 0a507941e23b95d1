"""How SAIS does its work, in plain Python without Prefect."""
