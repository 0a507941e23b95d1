"""The tools that JSON-RPC and MCP offer: each is defined once, and calls what REST calls."""

from typing import Any

from gateway.tools.accounts import CREATE_ACCOUNT, GET_ACCOUNT_INFO
from gateway.tools.bots import BOTS_ADD, BOTS_LIST, BOTS_REMOVE
from gateway.tools.definition import Caller, Tool
from gateway.tools.explanations import EXPLAIN_FAILURE, SUM_NUMBERS
from gateway.tools.images import CANCEL_BATCH, DISPATCH_PROCESS, GENERATE_THUMBNAIL, GET_MEDIA

TOOLS: tuple[Tool[Any], ...] = (
    CREATE_ACCOUNT,
    DISPATCH_PROCESS,
    CANCEL_BATCH,
    GET_ACCOUNT_INFO,
    GET_MEDIA,
    GENERATE_THUMBNAIL,
    EXPLAIN_FAILURE,
    SUM_NUMBERS,
    BOTS_LIST,
    BOTS_ADD,
    BOTS_REMOVE,
)
_BY_NAME = {name: tool for tool in TOOLS for name in (tool.name, *tool.also)}

__all__ = ["TOOLS", "Caller", "Tool", "find_tool"]


def find_tool(name: object) -> Tool[Any] | None:
    """By its name, or by one that it had."""
    return _BY_NAME.get(name) if isinstance(name, str) else None
