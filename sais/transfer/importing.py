"""Reading an export into the database, some lines in each transaction; killed and begun again, it goes on."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from sais.catalog import transfer
from sais.catalog.database import reading, writing
from sais.catalog.key_values import put_value, remove_value
from sais.fetching import Guard
from sais.transfer.accounts_in import add_account_lines, add_preset_lines
from sais.transfer.disk import told
from sais.transfer.judging import BadLine, judge, layout_of, owner_of
from sais.transfer.kinds import Kind, chosen_kinds
from sais.transfer.lines import AccountLine, Line, MediaLine
from sais.transfer.media_in import Chosen, add_media_lines, add_thumb_lines
from sais.transfer.source import Source
from sais.transfer.tally import Tally
from sais_models import Layout

# A transaction of 2,000 media holds SQLite's lock for a tenth of a second.
PIECE = 2_000


@dataclass(frozen=True)
class ImportOrder:
    """`roots` empty: every account. `with_secrets`: keys and webhook secrets of the file are taken over."""

    src: Path
    roots: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = tuple(Kind)
    skip_existing: bool = False
    with_secrets: bool = False
    dry_run: bool = False

    @classmethod
    def of(cls, src: str, roots: list[str], only: list[str], **options: bool) -> "ImportOrder":
        """Raises InputError for an unknown kind."""
        return cls(Path(src).expanduser().absolute(), tuple(sorted(set(roots))), chosen_kinds(only), **options)


class Import:
    """`step` until it says None. No dataclass: Prefect would walk through it."""

    def __init__(self, engine: Engine, order: ImportOrder, guard: Guard) -> None:
        """Raises InputError when there is nothing that can be read."""
        self.engine, self.order, self.guard = engine, order, guard
        with told("read", order.src):
            self.source = Source(order.src)
        self.new_keys: dict[str, str] = {}
        asked = (self.source.fingerprint, order.roots, order.kinds, order.skip_existing, order.with_secrets)
        self.cursor = hashlib.sha256(repr(asked).encode()).hexdigest()
        self._kinds = list(order.kinds)
        self._line, self.tally = 0, Tally()
        self._lines: Iterator[tuple[int, bytes | None]] | None = None
        self._roots: set[str] = set()
        if not order.dry_run:
            self._go_on()

    def step(self) -> str | None:
        """The next piece, in one transaction. Returns what came of it in words; None when every line is read."""
        while self._kinds:
            kind = self._kinds[0]
            with told("read", self.order.src), self._again_after_failure():
                self._lines = self._lines or self.source.lines(kind, self._line)
                piece = list(islice(self._lines, PIECE))
                if piece:
                    self._take(kind, piece)
                    self._line = piece[-1][0]
                    return f"{kind}: {self._line} lines"
            self._kinds.pop(0)
            self._lines, self._line = None, 0
        if not self.order.dry_run:
            with writing(self.engine) as connection:
                remove_value(connection, transfer.CURSORS, self.cursor)
        return None

    @contextmanager
    def _again_after_failure(self) -> Iterator[None]:
        """What was read and not taken is read again by the next step."""
        try:
            yield
        except BaseException:
            self._lines = None
            raise

    def _go_on(self) -> None:
        with reading(self.engine) as connection:
            kept = transfer.find_cursor(connection, self.cursor)
        if kept is None:
            return
        state = json.loads(kept)
        self._kinds = self._kinds[self._kinds.index(Kind(state["kind"])) :]
        self._line, self.tally = state["line"], Tally(state["tally"])

    def _take(self, kind: Kind, piece: list[tuple[int, bytes | None]]) -> None:
        # What fails after this rolls back; a retried task must not count the same lines twice.
        tally = Tally(json.loads(json.dumps(self.tally.as_json())))
        good = self._good_lines(kind, piece, tally)
        layouts = self._told_layouts(good) if kind == Kind.ACCOUNTS else {}
        if self.order.dry_run:
            with reading(self.engine) as connection:
                self._look(connection, kind, good, tally)
        else:
            with writing(self.engine) as connection:
                keys = self._write(connection, kind, good, layouts, tally)
                state = {"kind": kind.value, "line": piece[-1][0], "tally": tally.as_json()}
                put_value(connection, transfer.CURSORS, self.cursor, json.dumps(state))
            self.new_keys |= keys
        self.tally = tally

    def _good_lines(self, kind: Kind, piece: list[tuple[int, bytes | None]], tally: Tally) -> list[tuple[int, Any]]:
        good: list[tuple[int, Line]] = []
        tally.count(kind, "read", len(piece))
        for number, data in piece:
            try:
                line, unknown = judge(kind, data)
            except BadLine as problem:
                tally.refuse(kind, number, str(problem))
                continue
            tally.ignore(kind, unknown)
            if isinstance(line, AccountLine) and line.root not in self._chosen:
                tally.count(kind, "left_out")
                continue
            good.append((number, line))
        return good

    @property
    def _chosen(self) -> Chosen:
        return Chosen(self.order.roots, skip_existing=self.order.skip_existing)

    def _write(
        self, connection: Connection, kind: Kind, good: list[tuple[int, Any]], layouts: dict[str, Layout], tally: Tally
    ) -> dict[str, str]:
        match kind:
            case Kind.ACCOUNTS:
                secrets = self.order.with_secrets
                return add_account_lines(connection, good, layouts, self.guard, tally, with_secrets=secrets)
            case Kind.PRESETS:
                add_preset_lines(connection, good, tally)
            case Kind.MEDIA:
                add_media_lines(connection, good, self._chosen, tally)
            case Kind.THUMBS:
                add_thumb_lines(connection, good, self._chosen, tally)
        return {}

    def _look(self, connection: Connection, kind: Kind, good: list[tuple[int, Any]], tally: Tally) -> None:
        """Counts as `_write` would, and writes nothing."""
        match kind:
            case Kind.ACCOUNTS:
                known = transfer.known_roots(connection)
                for _, line in good:
                    tally.count(kind, "kept" if line.root in known else "added")
                    self._roots.add(line.root)
            case Kind.PRESETS:
                known_recipes, _ = transfer.known_recipes(connection)
                for _, line in good:
                    tally.count(kind, "same" if (line.name, line.recipe) in known_recipes else "added")
            case Kind.MEDIA:
                others = frozenset(self._roots)
                add_media_lines(connection, good, self._chosen, tally, others=others, write=False)
            case Kind.THUMBS:
                add_thumb_lines(connection, good, self._chosen, tally, write=False)

    def _told_layouts(self, good: list[tuple[int, AccountLine]]) -> dict[str, Layout]:
        """Of accounts whose line names none: what their first media's path tells. Reads no further than that."""
        wanted = {line.root for _, line in good if line.layout is None}
        found: dict[str, Layout] = {}
        for _, data in self.source.lines(Kind.MEDIA) if wanted else ():
            try:
                line, _ = judge(Kind.MEDIA, data)
            except BadLine:
                continue
            assert isinstance(line, MediaLine)  # noqa: S101  what judge gives for this kind
            layout = layout_of(line.path) if line.path and owner_of(line) in wanted else None
            if layout is not None:
                found[owner_of(line)] = layout
                wanted.discard(owner_of(line))
                if not wanted:
                    break
        return found
