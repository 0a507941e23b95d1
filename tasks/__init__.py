"""One step each: a Prefect decorator around one call into sais.pipeline."""
