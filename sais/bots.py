"""Bad bots: which requests are a scanner's, by path, agent or network; the lists are rows that an operator edits."""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sqlalchemy import Connection

from sais.catalog import key_values
from sais.errors import InputError
from sais_models.columns import utc_now

LONGEST_PATTERN = 200
LONGEST_NOTE = 500
# `*` or `/*` would shut everybody out, and two letters nearly everybody.
FEWEST_LETTERS = 3
WIDEST_NETWORK = {4: 8, 6: 16}


class BotScope(StrEnum):
    """What a pattern is compared with."""

    PATH = "path"
    AGENT = "agent"
    NETWORK = "network"


@dataclass(frozen=True)
class BotRule:
    """`pattern`: a path with `*`, a part of the User-Agent with `*`, or a network; in any case of letters."""

    scope: BotScope
    pattern: str
    note: str
    created_at: datetime


def list_bots(connection: Connection) -> list[BotRule]:
    rows = key_values.find_values(connection, [_stored(scope) for scope in BotScope])
    return [BotRule(BotScope(row.scope.partition(".")[2]), row.key, row.value, row.created_at) for row in rows]


def add_bot(connection: Connection, scope: BotScope, pattern: str, note: str = "") -> BotRule:
    """Raises InputError for a pattern that means nothing, or that would shut everybody out."""
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise InputError(f"a note has at most {LONGEST_NOTE} printable letters", field="note")
    checked = check_pattern(scope, pattern)
    key_values.put_value(connection, _stored(scope), checked, note)
    return BotRule(scope, checked, note, utc_now())


def remove_bot(connection: Connection, scope: BotScope, pattern: str) -> None:
    """Raises InputError when there is no such rule."""
    if not key_values.remove_value(connection, _stored(scope), check_pattern(scope, pattern)):
        raise InputError(f"no bad bot has the {scope} {pattern[:LONGEST_PATTERN]!r}", field="pattern")


def check_pattern(scope: BotScope, pattern: str) -> str:
    """As it is stored. Raises InputError."""
    if len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
        raise InputError(f"a pattern has at most {LONGEST_PATTERN} printable letters", field="pattern")
    if scope == BotScope.NETWORK:
        return str(_network(pattern))
    if scope == BotScope.PATH and not pattern.startswith(("/", "*")):
        raise InputError("a path begins with / or *", field="pattern")
    if len(re.sub(r"[*/\s]", "", pattern)) < FEWEST_LETTERS:
        raise InputError(f"a pattern has at least {FEWEST_LETTERS} letters besides * and /", field="pattern")
    return pattern.lower()


def _network(pattern: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(pattern, strict=False)
    except ValueError:
        raise InputError(f"{pattern!r} is no address or network, as 203.0.113.0/24", field="pattern") from None
    if network.prefixlen < WIDEST_NETWORK[network.version]:
        raise InputError(f"{network} is too wide: /{WIDEST_NETWORK[network.version]} at most", field="pattern")
    return network


def _stored(scope: BotScope) -> str:
    return f"bots.{scope}"


class BotRules:
    """The rules made ready: a request costs one match for each scope, however many patterns there are."""

    def __init__(self, rules: Iterable[BotRule] = ()) -> None:
        patterns: dict[BotScope, list[str]] = {scope: [] for scope in BotScope}
        for rule in rules:
            patterns[rule.scope].append(rule.pattern)
        self._paths = _any_of(patterns[BotScope.PATH])
        self._agents = _any_of([f"*{agent}*" for agent in patterns[BotScope.AGENT]])
        self._networks = [ip_network(network) for network in patterns[BotScope.NETWORK]]

    def match(self, path: str, agent: str, address: str | None) -> BotScope | None:
        """By what this request is a bad bot's; None when it is not."""
        if self._paths.fullmatch(re.sub("/+", "/", path.lower())):
            return BotScope.PATH
        if self._agents.fullmatch(agent.lower()):
            return BotScope.AGENT
        return BotScope.NETWORK if self._networks and self._is_listed(address) else None

    def _is_listed(self, address: str | None) -> bool:
        try:
            client = ip_address(address or "")
        except ValueError:
            return False
        mapped = getattr(client, "ipv4_mapped", None) or client
        return any(mapped in network for network in self._networks)


def load_rules(connection: Connection) -> BotRules:
    return BotRules(list_bots(connection))


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    """Only `*` has a meaning. What fnmatch makes of it matches in linear time, whatever a stranger sends."""
    escaped = (re.sub(r"([?\[])", r"[\1]", pattern) for pattern in patterns)
    return re.compile("|".join(map(fnmatch.translate, escaped)) or r"(?!)")
