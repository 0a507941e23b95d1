"""What a tool gives, in the shape of MCP's CallToolResult."""

import json
from typing import Any


def tool_result(value: dict[str, Any], *, is_error: bool = False) -> dict[str, Any]:
    """As an object for programs, and as text for models that read only text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {"content": [{"type": "text", "text": text}], "structuredContent": value, "isError": is_error}
