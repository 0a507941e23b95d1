"""Many rows of an account, made without a run."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, select
from sqlmodel import SQLModel

from sais.addressing import code_of, path_of
from sais.catalog.accounts import change_account, get_account
from sais.catalog.bulk import insert_new, new_row, table_of
from sais.catalog.database import reading
from sais_models import Account, Media, MediaMarking, Preset, Thumb, ThumbMarking
from sais_models.columns import utc_now

RECIPE = "abcdefabcdef"


def url_of(number: int) -> str:
    return f"https://photos.example/{number}.jpg?größe=voll"


def fill(connection: Connection, root: str, count: int, *, presets: tuple[str, ...] = ("small",)) -> list[str]:
    """`count` media of the account, done and with thumbs, a day old; it has limits. Returns the codes."""
    layout = get_account(connection, root).layout
    change_account(connection, root, image_limit=2**40, daily_bytes_limit=0, queued_limit=7)
    then = utc_now() - timedelta(days=1)
    media, thumbs = [], []
    for number in range(count):
        code = code_of(url_of(number), root)
        media.append(
            new_row(
                Media,
                code=code,
                root=root,
                url=url_of(number),
                path=path_of(root, code, layout, "jpg"),
                marking=MediaMarking.RESIZED,
                mime_type="image/jpeg",
                size=3_000_000_000 + number,
                width=1500,
                height=1000,
                colors=["#aabbcc"],
                exif={"Model": "Kamera „Ü“"},
                context={"objId": number},
                created_at=then,
                updated_at=then,
            )
        )
        for preset in presets:
            made = {"marking": ThumbMarking.DONE, "recipe": RECIPE, "mime_type": "image/webp", "size": 5000}
            thumbs.append(new_row(Thumb, code=code, preset=preset, width=192, height=128, updated_at=then, **made))
    insert_new(connection, Media, media)
    insert_new(connection, Thumb, thumbs)
    return [row["code"] for row in media]


def everything(engine: Engine, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple[object, ...]]]:
    """All rows of what an export holds, to be compared; leases and keys are not part of it."""
    hidden = {"leased_by", "leased_until", "retry_at", *without}
    found = {}
    with reading(engine) as connection:
        for model in (Account, Preset, Media, Thumb):
            table = table_of(model)
            columns = [column for column in table.c if column.name not in hidden]
            rows = connection.execute(select(*columns).order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in rows]
    return found


def table_rows(engine: Engine, model: type[SQLModel]) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(table_of(model))).all())
