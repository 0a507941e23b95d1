"""Knowing before the start that a port can be had."""

import socket

from sais.errors import InputError


def require_free(host: str, port: int, what: str, setting: str) -> None:
    """Raises InputError that names the setting when something listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"the {what} cannot have port {port} of {host} ({error.strerror}); end what listens there, "
                f"or choose another with {setting}",
                field=setting,
            ) from error
