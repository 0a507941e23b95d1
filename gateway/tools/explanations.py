"""Tools that need no account: what a reason means, and a sum to try the connection with."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field

from gateway.tools.definition import Caller, Tool
from sais.errors import InputError
from sais.reasons import explain, known_reasons
from sais_models.wire import Wire

# Sums of such numbers are finite, and JSON can say them.
Number = Annotated[int | float, Field(ge=-(10**15), le=10**15)]


class ReasonQuestion(Wire):
    reason: str = Field(description="As a row, a batch or a webhook has it, for example http_404")


class Sum(Wire):
    numbers: Annotated[list[Number], Field(max_length=10_000)] = Field(default_factory=list)
    number1: Number = 0
    number2: Number = 0


async def explain_failure(caller: Caller, question: ReasonQuestion) -> dict[str, Any]:
    found = explain(question.reason)
    if found is None:
        raise InputError(
            f"{question.reason[:60]!r} is not a reason; there are http_NNN, {', '.join(known_reasons())}",
            field="reason",
        )
    return asdict(found)


async def sum_numbers(caller: Caller, given: Sum) -> dict[str, Any]:
    return {"sum": sum(given.numbers) + given.number1 + given.number2}


EXPLAIN_FAILURE = Tool(
    "explain_failure",
    "What the reason of a failed or rejected image means, and what to do about it.",
    ReasonQuestion,
    explain_failure,
)
SUM_NUMBERS = Tool(
    "sum_numbers",
    "Adds numbers; it shows that the connection works. Without numbers the sum is 0.",
    Sum,
    sum_numbers,
)
