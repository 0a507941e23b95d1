"""Accounts, presets, media and thumbs into files, a page at a time; killed and begun again, it goes on."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from sais.catalog import transfer
from sais.catalog.accounts import get_account
from sais.catalog.database import reading
from sais.errors import InputError
from sais.transfer.disk import told
from sais.transfer.kinds import Kind, chosen_kinds
from sais.transfer.outgoing import columns_of, key_of, line_of
from sais.transfer.packing import Format, pack
from sais.transfer.spool import Spool
from sais_models.columns import utc_now

# 5,000 media are 5 MB of lines; each page costs a flush of the disk.
PAGE = 5_000


@dataclass(frozen=True)
class ExportOrder:
    """`roots` empty: every account. `with_secrets`: hashes of keys, and webhook secrets as they are."""

    dest: Path
    roots: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = tuple(Kind)
    form: Format = Format.NDJSON
    with_secrets: bool = False

    @classmethod
    def of(
        cls, dest: str, roots: list[str], only: list[str], form: Format = Format.NDJSON, *, with_secrets: bool = False
    ) -> "ExportOrder":
        """Raises InputError for what cannot be."""
        place, kinds = Path(dest).expanduser().absolute(), chosen_kinds(only)
        named = any(name.strip() for name in only)
        if place.suffix == ".parquet":
            form = Format.PARQUET
            kinds = kinds if named else (Kind.MEDIA,)
            if len(kinds) != 1:
                raise InputError("one .parquet file holds one kind of rows: give --only, or a folder", field="dest")
        if form == Format.PARQUET and place.suffix == ".zip":
            raise InputError("Parquet is packed already: give a folder or a .parquet file", field="dest")
        if form == Format.PARQUET and with_secrets:
            raise InputError("Parquet is for analysis and never holds secrets", field="with_secrets")
        if place.exists() and not (place.is_dir() and place.suffix != ".zip" and not any(place.iterdir())):
            raise InputError(f"{place} is there already: give another place, or remove it", field="dest")
        return cls(place, tuple(sorted(set(roots))), kinds, form, with_secrets)

    @property
    def as_json(self) -> dict[str, Any]:
        """What must be the same for an export to go on."""
        return {
            "roots": list(self.roots),
            "kinds": list(self.kinds),
            "form": self.form.value,
            "withSecrets": self.with_secrets,
        }


class Export:
    """`step` until it says None, then `finish`. No dataclass: Prefect would walk through it."""

    def __init__(self, engine: Engine, order: ExportOrder, public_url: str) -> None:
        """Raises UnknownAccount, and InputError when another export has begun there."""
        self.engine, self.order, self.public_url = engine, order, public_url
        with reading(engine) as connection:
            for root in order.roots:
                get_account(connection, root)
        folder = order.dest.with_name(f"{order.dest.name}.partial")
        with told("write", folder):
            self.spool = Spool.open(folder, order.as_json, utc_now().isoformat())
        self.extent = transfer.Extent(order.roots, datetime.fromisoformat(self.spool.state["started"]))

    def step(self) -> str | None:
        """One page. Returns what it did in words; None when every row is written."""
        kind = next((kind for kind in self.order.kinds if not self.spool.place(kind)["whole"]), None)
        if kind is None:
            return None
        place = self.spool.place(kind)
        with reading(self.engine) as connection:
            rows = transfer.page(connection, transfer.MODELS[kind], self.extent, place["after"], PAGE)
            codes = [row.code for row in rows] if kind == Kind.THUMBS else []  # type: ignore[attr-defined]
            paths = transfer.paths_of(connection, list(dict.fromkeys(codes)))
        if rows:
            shape = columns_of(kind, with_secrets=self.order.with_secrets, public_url=self.public_url)
            data = b"".join(line_of(shape(row, paths)) for row in rows)
            with told("write", self.spool.folder):
                self.spool.append(kind, data, len(rows), key_of(rows[-1]))
        if len(rows) < PAGE:
            with told("write", self.spool.folder):
                self.spool.end(kind)
        return f"{kind}: {place['rows']} rows"

    def finish(self) -> dict[str, int]:
        """Puts the files in their place. Returns the rows of each kind."""
        rows = {kind.value: int(self.spool.place(kind)["rows"]) for kind in self.order.kinds}
        with told("write", self.order.dest):
            pack(self.spool, self.order.kinds, self.order.dest, self.order.form)
        return rows


def count_rows(engine: Engine, order: ExportOrder) -> dict[str, int]:
    """What an export would write. Raises UnknownAccount."""
    with reading(engine) as connection:
        for root in order.roots:
            get_account(connection, root)
        extent = transfer.Extent(order.roots, utc_now())
        return {kind.value: transfer.count(connection, transfer.MODELS[kind], extent) for kind in order.kinds}
