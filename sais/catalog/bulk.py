"""Writing many rows in one statement. SQLite takes 135,000 rows a CPU second this way, 10,000 through a session."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

Row = dict[str, Any]


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model; every model here is exactly one."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def new_row(model: type[SQLModel], **values: Any) -> Row:
    """A whole row: the model's defaults, and over them `values`."""
    constants, makers = _defaults(model)
    return constants | {name: make() for name, make in makers.items() if name not in values} | values


@cache
def _defaults(model: type[SQLModel]) -> tuple[Row, dict[str, Callable[[], Any]]]:
    """Those that are the same for every row, and those that are made for each. Asking pydantic each time was a third of
    the time that a dispatch took."""
    fields = model.model_fields.items()
    makers = {name: cast("Callable[[], Any]", field.default_factory) for name, field in fields if field.default_factory}
    return {name: field.get_default() for name, field in fields if name not in makers}, makers


def insert_new(connection: Connection, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """Inserts the rows that are not there yet; those that are stay as they are."""
    if rows:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(insert(table_of(model)).on_conflict_do_nothing(), rows)


def upsert(connection: Connection, model: type[SQLModel], rows: Sequence[Row], *, change: Sequence[str]) -> None:
    """Inserts the rows; where the primary key is there already, sets the columns named in `change`."""
    if not rows:
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    table = table_of(model)
    statement = insert(table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[column.name for column in table.primary_key],
            set_={name: statement.excluded[name] for name in change},
        ),
        rows,
    )


def update_rows(
    connection: Connection,
    model: type[SQLModel],
    rows: Sequence[Row],
    *,
    where: Mapping[str, Any] | None = None,
) -> None:
    """Sets, for each row, the columns that it names besides its primary key; `where` narrows by equal values."""
    if not rows:
        return
    table = table_of(model)
    keys = [column.name for column in table.primary_key]
    statement = update(table).values({name: bindparam(f"v_{name}") for name in rows[0] if name not in keys})
    for key in keys:
        statement = statement.where(table.c[key] == bindparam(f"k_{key}"))
    for name, value in (where or {}).items():
        statement = statement.where(table.c[name] == value)
    parameters = [
        {(f"k_{name}" if name in keys else f"v_{name}"): value for name, value in row.items()} for row in rows
    ]
    connection.execute(statement, parameters)
