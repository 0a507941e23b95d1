"""Local originals that are no longer needed here, because the archive has them (docs/decisions/0025)."""
