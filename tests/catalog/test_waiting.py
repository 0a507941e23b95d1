"""What waits and what is in its way, told alike by both databases."""

from datetime import timedelta

from sqlalchemy import Engine

from sais.catalog.accounts import get_account
from sais.catalog.bulk import new_row, update_rows
from sais.catalog.database import reading, writing
from sais.catalog.deliveries import add_deliveries
from sais.catalog.media import find_media, find_thumbs, forget_thumb, save_thumbs
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.health import Kind, look_at_work
from sais.settings import Settings
from sais.submission import submit
from sais_models import Delivery, DeliveryKind, ItemMarking, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.batch import BatchItem
from sais_models.columns import utc_now


def test_what_waits_is_held_refused_or_failing(engine: Engine, settings: Settings) -> None:
    images = [Submitted(f"https://photos.example/{number}.jpg") for number in range(14)]
    with writing(engine) as connection:
        batch = submit(connection, get_account(connection, "museum"), images, guard=Guard(), presets=["tiny"]).batch
        values = {"root": "museum", "batch_id": batch.id, "kind": DeliveryKind.MEDIA, "body": "{}", "attempts": 2}
        values["receiver"] = "https://receiver.example"
        url = "https://receiver.example/hook"
        add_deliveries(connection, [new_row(Delivery, id="msg_1", subject="1", url=url, reason="dns", **values)])
    with reading(engine) as connection:
        waiting = look_at_work(connection, settings).waiting
    assert (waiting.images, waiting.oldest_images, waiting.held) == (14, 14, False)
    assert (waiting.deliveries, waiting.refused) == (1, 1)
    with writing(engine) as connection:
        codes = sorted(find_media(connection, [row[0] for row in connection.exec_driver_sql("SELECT code FROM media")]))
        update_rows(connection, Media, [{"code": codes[0], "leased_until": utc_now() + timedelta(minutes=5)}])
        failed = [{"code": code, "marking": MediaMarking.FAILED, "reason": "timeout"} for code in codes[2:]]
        update_rows(connection, Media, failed)
        positions = [{"batch_id": batch.id, "position": p, "marking": ItemMarking.FAILED} for p in range(14)]
        pending = next(p for p in positions if p["position"] == 0)
        assert look_at_work(connection, settings).waiting.held
        update_rows(connection, BatchItem, [p for p in positions if p is not pending])
        kinds = {problem.kind: problem.subject for problem in look_at_work(connection, settings).problems}
    assert kinds[Kind.RECEIVER] == "receiver.example"
    assert kinds[Kind.HOST] == "photos.example"


def test_a_thumb_is_forgotten_only_as_it_was_seen(engine: Engine) -> None:
    with writing(engine) as connection:
        account = get_account(connection, "museum")
        submit(connection, account, [Submitted("https://photos.example/1.jpg")], guard=Guard(), presets=["tiny"])
        [code] = [row[0] for row in connection.exec_driver_sql("SELECT code FROM media")]
        save_thumbs(connection, [new_row(Thumb, code=code, preset="tiny", marking=ThumbMarking.DONE)])
    with writing(engine) as connection:
        [thumb] = find_thumbs(connection, [code])[code]
        assert not forget_thumb(connection, code, "tiny", thumb.updated_at - timedelta(microseconds=1))
        assert forget_thumb(connection, code, "tiny", thumb.updated_at)
        assert not forget_thumb(connection, code, "tiny", thumb.updated_at)
