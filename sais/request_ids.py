"""The id of the HTTP request that is being answered, so that what it causes can be followed.

A context variable, not an argument: many doors lead to a batch (REST, upload, JSON-RPC, MCP), and none can forget it.
"""

import re
from contextvars import ContextVar
from uuid import uuid4

# What may stand in a header, a log line, a tag of a run and a column of 64.
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def sane_request_id(given: str | None) -> str:
    """`given` if it is fit to be one, else a new one."""
    return given if given and SANE.fullmatch(given) else uuid4().hex


def current_request_id() -> str | None:
    """None outside a request: on the command line, in a flow run."""
    return REQUEST_ID.get()
