"""What a run works with: the settings, and what an operator's blocks add to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sais.settings import Settings
from sais_models import PresetSettings


@dataclass(frozen=True)
class Configuration:
    """`archive_options` and `cache_options` are s3fs keyword arguments (credentials among them: never log them).

    `presets` are published before the run when there are any; `extra_secrets` sign each webhook besides the
    account's own secret.
    """

    settings: Settings
    database_url: str = field(repr=False)
    archive_url: str
    cache_url: str
    archive_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cache_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    presets: tuple[PresetSettings, ...] = ()
    extra_secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Configuration":
        """As the environment has it, without Prefect."""
        options = {"endpoint_url": settings.s3_endpoint_url} if settings.s3_endpoint_url else {}
        return cls(
            settings=settings,
            database_url=settings.effective_database_url,
            archive_url=settings.effective_archive_url,
            cache_url=settings.effective_cache_url,
            archive_options=options if settings.effective_archive_url.startswith("s3:") else {},
            cache_options=options if settings.effective_cache_url.startswith("s3:") else {},
        )
