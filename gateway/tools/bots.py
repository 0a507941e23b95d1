"""Tools about bad bots, for the operator alone."""

from typing import Any

from pydantic import Field

from gateway.keys import check_operator
from gateway.tools.definition import Caller, Tool
from sais.bots import BotRule, BotScope, add_bot, list_bots, remove_bot
from sais_models.wire import Wire


class BotQuestion(Wire):
    scope: BotScope | None = Field(None, description="Only these; without it, all")


class BotPattern(Wire):
    scope: BotScope = Field(description="What the pattern is compared with")
    pattern: str = Field(description="/path* (from / or *), a part of the User-Agent, or 203.0.113.0/24")


class NewBot(BotPattern):
    note: str = Field("", description="Why, for whoever reads it")


async def bots_list(caller: Caller, question: BotQuestion) -> dict[str, Any]:
    _check(caller)
    found = await caller.state.database.read(list_bots)
    return {"bots": [_told(rule) for rule in found if question.scope in (None, rule.scope)]}


async def bots_add(caller: Caller, bot: NewBot) -> dict[str, Any]:
    _check(caller)
    return _told(await caller.state.database.write(add_bot, bot.scope, bot.pattern, bot.note))


async def bots_remove(caller: Caller, bot: BotPattern) -> dict[str, Any]:
    _check(caller)
    await caller.state.database.write(remove_bot, bot.scope, bot.pattern)
    return {"scope": bot.scope.value, "pattern": bot.pattern}


def _check(caller: Caller) -> None:
    check_operator(caller.token, caller.state.settings.registration_token)


def _told(rule: BotRule) -> dict[str, Any]:
    created = rule.created_at.isoformat(timespec="seconds")
    return {"scope": rule.scope.value, "pattern": rule.pattern, "note": rule.note, "createdAt": created}


_FOR_WHOM = " For the operator: the Bearer is the registration token."
BOTS_LIST = Tool("bots_list", "The patterns by which a request is a bad bot's." + _FOR_WHOM, BotQuestion, bots_list)
BOTS_ADD = Tool(
    "bots_add",
    "What matches this pattern gets 403, within seconds, unless it has a valid key." + _FOR_WHOM,
    NewBot,
    bots_add,
)
BOTS_REMOVE = Tool("bots_remove", "Takes a pattern away." + _FOR_WHOM, BotPattern, bots_remove)
