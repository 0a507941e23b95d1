"""`python -m gateway`: serves SAIS over HTTP. Exit codes: 0 ended, 1 failed, 2 a setting that cannot work."""

import asyncio
import errno
import logging
import socket
import sys
from typing import Any

import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from gateway.application import create_application
from gateway.configuring import collect_seldom, configure, set_up_logs
from gateway.workers import serve_together
from sais.catalog.database import open_database
from sais.errors import InfrastructureError, SettingsError
from sais.runs import PrefectSettings, is_loopback
from sais.settings import Settings

log = logging.getLogger("gateway")

# Clients with `wait` hold their connections for up to a minute.
GRACE_SECONDS = 5


def main() -> int:
    set_up_logs()
    try:
        serve(Settings(), PrefectSettings())
    except (SettingsError, ValidationError) as error:
        return _failed(error, 2)
    except (InfrastructureError, OSError, SQLAlchemyError) as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        log.info("ended")
    return 0


def _failed(error: Exception, code: int) -> int:
    print(f"gateway: {error}", file=sys.stderr)
    return code


def serve(settings: Settings, prefect: PrefectSettings) -> None:
    """Until it is told to end. Raises SettingsError, InfrastructureError, OSError."""
    check_exposure(settings)
    with listen(settings.host, settings.port) as listener:
        configuration = asyncio.run(configure(settings, prefect))
        open_database(configuration.database_url).dispose()
        log.info("listening on http://%s:%s", settings.host, listener.getsockname()[1])
        options: dict[str, Any] = {
            "access_log": False,
            # Uvicorn would believe X-Forwarded-For from any process on this machine; SAIS_TRUSTED_PROXIES says whom.
            "proxy_headers": False,
            "log_config": None,
            "server_header": False,
            "timeout_graceful_shutdown": GRACE_SECONDS,
        }
        if settings.gateway_workers > 1:
            serve_together(listener, settings.gateway_workers, options)
        else:
            config = uvicorn.Config(create_application(configuration, prefect), **options)
            collect_seldom()
            uvicorn.Server(config).run(sockets=[listener])


def check_exposure(settings: Settings) -> None:
    """Raises SettingsError where strangers could reach a gateway on which anybody may make accounts."""
    if not is_loopback(settings.host) and not settings.registration_token:
        raise SettingsError(
            f"SAIS_HOST={settings.host} can be reached from other machines, and without SAIS_REGISTRATION_TOKEN "
            "anybody there could make accounts: set the token, or SAIS_HOST=127.0.0.1",
            field="SAIS_REGISTRATION_TOKEN",
        )


def listen(host: str, port: int) -> socket.socket:
    """Before anything else is opened. Raises InfrastructureError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InfrastructureError(
                f"port {port} on {host} is taken: end what listens there, or set SAIS_PORT"
            ) from error
        raise InfrastructureError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
