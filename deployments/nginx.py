"""The nginx configuration of this installation, from the template beside this file, on standard output.

python -m deployments.nginx [--listen 127.0.0.1:8080] [--server-name images.example] > /etc/nginx/conf.d/sais.conf
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from gateway.images import CACHE_CONTROL
from gateway.security_headers import HEADERS
from sais.catalog.database import open_database, reading
from sais.catalog.presets import preset_formats
from sais.errors import SettingsError
from sais.imaging.encoding import MIME_TYPES
from sais.runs import is_loopback
from sais.settings import Settings
from sais_models import ThumbFormat

LISTEN = "127.0.0.1:8080"
# What may stand in the configuration without quotes.
WORD = re.compile(r"[A-Za-z0-9_./:\[\]*-]+")


@dataclass(frozen=True)
class ServedPreset:
    """A preset of which every thumb has this type."""

    name: str
    mime_type: str


def served_presets(connection: Connection) -> list[ServedPreset]:
    """Those that have only ever had one format: thumbs of a former recipe may still be there."""
    return [
        ServedPreset(name, MIME_TYPES[next(iter(formats))])
        for name, formats in preset_formats(connection).items()
        if len(formats) == 1 and ThumbFormat.ORIGINAL not in formats
    ]


def configuration(
    settings: Settings, presets: Sequence[ServedPreset], *, listen: str = LISTEN, server_name: str = "_"
) -> str:
    """Raises SettingsError for what nginx could not serve, or should not."""
    check_exposure(settings, listen)
    words = {"--listen": listen, "--server-name": server_name, "SAIS_CACHE_URL": str(cache_folder(settings))}
    for name, value in words.items():
        if not WORD.fullmatch(value):
            raise SettingsError(f"{name}: {value!r} cannot stand in an nginx configuration", field=name)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # noqa: S701  no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("nginx.conf").render(
        gateway=f"{'127.0.0.1' if host in {'0.0.0.0', '[::]'} else host}:{settings.port}",  # noqa: S104
        listen=listen,
        server_name=server_name,
        hides_pages=is_loopback(settings.host) and not is_loopback(host_of(listen)),
        cache=words["SAIS_CACHE_URL"],
        cache_control=CACHE_CONTROL,
        headers=HEADERS,
        presets=presets,
    )


def cache_folder(settings: Settings) -> Path:
    """Raises SettingsError when thumbs are not in a folder."""
    parts = urlsplit(settings.effective_cache_url)
    if parts.scheme != "file":
        raise SettingsError("thumbs are not in a local folder, so nginx has nothing to serve", field="SAIS_CACHE_URL")
    return Path(url2pathname(parts.path))


def check_exposure(settings: Settings, listen: str) -> None:
    """The gateway behind nginx listens on a loopback address and would think itself unseen."""
    if not is_loopback(host_of(listen)) and not settings.registration_token:
        raise SettingsError(
            f"--listen {listen} can be reached from other machines, and without SAIS_REGISTRATION_TOKEN anybody there "
            "could make accounts: set the token, or listen on 127.0.0.1",
            field="--listen",
        )


def host_of(listen: str) -> str:
    """Of `127.0.0.1:8080`, `[::1]:8080`; a port alone is every address."""
    return listen.rpartition(":")[0].strip("[]")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.nginx", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--listen", default=LISTEN, help=f"address and port; default: {LISTEN}")
    parser.add_argument("--server-name", default="_", help="the host name of SAIS_PUBLIC_URL; default: any")
    given = parser.parse_args(arguments)
    settings = Settings()
    engine = open_database(settings.effective_database_url)
    try:
        with reading(engine) as connection:
            presets = served_presets(connection)
        print(configuration(settings, presets, listen=given.listen, server_name=given.server_name), end="")
    except SettingsError as error:
        print(f"nginx: {error}", file=sys.stderr)
        return 2
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
