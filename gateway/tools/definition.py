"""What a tool is: the same for plain JSON-RPC and for MCP."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.state import GatewayState
from sais_models.wire import Wire

Given = TypeVar("Given", bound=Wire)


@dataclass(frozen=True)
class Caller:
    """Who calls: `token` is the Bearer of the request, None without one."""

    state: GatewayState
    token: str | None


@dataclass(frozen=True)
class Tool(Generic[Given]):
    """`work` gets checked arguments and gives a JSON object; `also` are former names under which it is still called."""

    name: str
    description: str
    arguments: type[Given]
    work: Callable[[Caller, Given], Awaitable[dict[str, Any]]]
    also: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return self.arguments.model_json_schema(by_alias=True)

    async def call(self, caller: Caller, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Raises pydantic's ValidationError for bad arguments, else what the operation raises."""
        return await self.work(caller, self.arguments.model_validate(arguments))
