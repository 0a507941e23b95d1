"""Manifests: files that list images by the million, read in pieces and never whole."""

from sais.manifests.columns import ManifestColumns
from sais.manifests.reading import read_manifest
from sais.manifests.rows import ManifestRow

__all__ = ["ManifestColumns", "ManifestRow", "read_manifest"]
