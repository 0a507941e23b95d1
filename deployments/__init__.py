"""The environment of the flows: bootstrap, embedded runner, automations."""
