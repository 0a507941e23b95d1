"""A batch from URLs to files, rows and webhooks; and what a second one does not do again."""

import json
from pathlib import Path

from PIL import Image

from sais.addressing import code_of
from sais.catalog.batches import get_batch
from sais.catalog.bulk import update_rows
from sais.client import verify_webhook
from sais.pipeline.plan import Order, plan_batch
from sais_models import Batch, PresetSettings
from tests.support.batches import Museum, replace_settings
from tests.support.origin import Origin
from tests.support.pictures import encoded, noise, quarters
from tests.support.replies import Content, Hang, Reset, Status, busy, lying

JPEG = encoded(quarters(), "JPEG")


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_every_file_row_and_webhook_of_one_image(either_museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(JPEG, etag='"v1"'))
    hook = origin.url("/hook")
    async with either_museum.run() as resources:
        account = await either_museum.set_up(resources, root="gallery", mediaCallbackUrl=hook)
        order = Order("gallery", urls=[url], presets=("small", "tiny"), context={"objId": 7})
        worked = await either_museum.ingest(resources, order)
    row = worked.rows[0]
    assert (row.marking, row.status_code, row.mime_type, row.size) == ("resized", 200, "image/jpeg", len(JPEG))
    assert (row.original_width, row.original_height) == (400, 300)
    assert row.code == code_of(url, "gallery")
    home = either_museum.settings.home
    assert (home / "archive" / (row.path or "")).read_bytes() == JPEG
    for preset, side in (("small", 192), ("tiny", 64)):
        thumb = home / "cache" / preset / (row.path or "")
        with Image.open(thumb) as picture:
            assert (picture.format, max(picture.size)) == ("WEBP", side)
        assert row.thumb_data[preset].size == thumb.stat().st_size
        assert row.resized[preset] == f"http://127.0.0.1:8018/media/cache/{preset}/{row.path}"
    (post,) = origin.wait_for_posts(1)
    body = verify_webhook(post.body, post.headers, account.webhook_secret or "")
    assert body == {
        "thumbData": {name: {"url": data.url, "size": data.size} for name, data in row.thumb_data.items()},
        "blur": row.blur,
        "code": row.code,
        "path": row.path,
        "originalUrl": url,
        "marking": "resized",
        "root": "gallery",
        "context": {"objId": 7},
        "mimeType": "image/jpeg",
        "size": len(JPEG),
        "originalWidth": 400,
        "originalHeight": 300,
        "statusCode": 200,
        "reason": None,
    }


async def test_nothing_is_lost_whatever_the_origin_does(either_museum: Museum, origin: Origin) -> None:
    short = replace_settings(either_museum, read_seconds=0.3, max_bytes=200_000, max_pixels=1_000_000)
    good = encoded(noise(40, 40), "PNG")
    wanted = {
        origin.serve("/good.png", Content(good)): "resized",
        origin.serve("/busy-at-first", busy(), Content(good)): "resized",
        origin.serve("/gone", Status(404)): "http_404",
        origin.serve("/busy", busy()): "http_503",
        origin.serve("/page", Content(b"<html><h1>Hello</h1>", "image/jpeg")): "not_image",
        origin.serve("/torn", Content(JPEG[:-500])): "corrupt",
        origin.serve("/short", lying(JPEG, len(JPEG) + 10)): "incomplete",
        origin.serve("/long", Content(bytes(200_001))): "too_big",
        origin.serve("/silent", Hang()): "timeout",
        origin.serve("/reset", Reset()): "read",
        origin.serve("/huge.png", Content(encoded(Image.new("1", (1500, 1500)), "PNG"))): "too_many_pixels",
        origin.serve("/dot.gif", Content(encoded(Image.new("P", (1, 1)), "GIF"))): "resized",
        "http://no-such-host.invalid/a.jpg": "dns",
        "ftp://example.org/a.jpg": "bad_scheme",
        "http://10.1.2.3/a.jpg": "refused_host",
        "http://example.org/" + "a" * 20_000: "url_too_long",
        "not an address": "bad_url",
        "http://example.org/\x00.jpg": "bad_url",
        "http://example.org/\ud800.jpg": "bad_url",
        "": "bad_url",
    }
    worked = await short.ingest_urls(*wanted)
    became = [row.reason or row.marking for row in worked.rows]
    assert dict(zip(wanted, became, strict=True)) == wanted
    status = worked.status
    assert status.submitted == len(wanted) == status.accepted + status.rejected
    assert status.accepted == status.done + status.failed
    assert (status.done, status.rejected, status.pending, status.settled) == (3, 7, 0, True)
    assert not files_below(short.settings.originals_dir / "museum" / ".incoming")


async def test_a_second_batch_of_the_same_images_does_nothing_again(museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(encoded(quarters(80 + n, 60), "JPEG"))) for n in range(5)]
    museum.callback = origin.url("/hook")
    first = await museum.ingest_urls(*urls)
    origin.wait_for_posts(5)
    made = {
        path: (museum.settings.home / "cache" / path).stat().st_mtime_ns
        for path in files_below(museum.settings.home / "cache")
    }
    second = await museum.ingest_urls(*urls)
    assert (second.status.done, second.status.settled, second.plan.chunks) == (5, True, [])
    assert second.rows == first.rows
    assert all(origin.hits[f"/{n}.jpg"] == 1 for n in range(5))
    assert len(origin.posts) == 5
    assert made == {path: (museum.settings.home / "cache" / path).stat().st_mtime_ns for path in made}


async def test_a_new_preset_uses_the_original_that_is_there(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(JPEG))
    await museum.ingest_urls(url, presets=("tiny",))
    worked = await museum.ingest_urls(url, presets=("large",))
    assert set(worked.rows[0].resized) == {"tiny", "large"}
    assert origin.hits["/one.jpg"] == 1


async def test_an_evicted_original_comes_back_from_the_archive(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(JPEG))
    first = await museum.ingest_urls(url, presets=("tiny",))
    (museum.settings.originals_dir / (first.rows[0].path or "")).unlink()
    worked = await museum.ingest_urls(url, presets=("small",))
    assert worked.status.done == 1
    assert origin.hits["/one.jpg"] == 1


async def test_ten_thousand_times_the_same_address_is_fetched_once(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(JPEG))
    museum.callback = origin.url("/hook")
    worked = await museum.ingest_urls(*[url] * 10_000)
    assert (worked.status.submitted, worked.status.done) == (10_000, 10_000)
    assert origin.hits["/one.jpg"] == 1
    assert len(origin.posts) == 1


async def test_what_failed_is_tried_again_when_it_is_sent_again(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/late.jpg", Status(404), Content(JPEG))
    assert (await museum.ingest_urls(url)).rows[0].reason == "http_404"
    assert (await museum.ingest_urls(url)).rows[0].marking == "resized"


async def test_a_known_address_that_is_allowed_no_more_is_not_fetched(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/secret.jpg", Status(404), Content(JPEG))
    await museum.ingest_urls(url)
    worked = await replace_settings(museum, allow_hosts=()).ingest_urls(url)
    assert (worked.rows[0].marking, worked.rows[0].reason) == ("failed", "refused_host")
    assert origin.hits["/secret.jpg"] == 1


async def test_audio_is_archived_and_has_no_thumbs(museum: Museum, origin: Origin) -> None:
    sound = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40)
    worked = await museum.ingest_urls(origin.serve("/one.wav", Content(sound)))
    row = worked.rows[0]
    assert (row.marking, row.mime_type, row.resized) == ("archived", "audio/wav", {})
    assert (worked.status.done, worked.status.settled) == (1, True)
    assert (museum.settings.home / "archive" / (row.path or "")).read_bytes() == sound


async def test_a_changed_preset_is_used_by_the_next_run(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(JPEG))
    first = await museum.ingest_urls(url, presets=("small",))
    wider = Museum(museum.settings, [PresetSettings(name="small", width=100, height=100)])
    other = origin.serve("/two.jpg", Content(JPEG))
    second = await wider.ingest_urls(url, other, presets=("small",))
    assert first.rows[0].thumb_data["small"].width == 192
    assert [row.thumb_data["small"].width for row in second.rows] == [192, 100], "old thumbs stay until rethumbnail"


async def test_a_receiver_that_is_down_fails_nothing_and_is_called_again(museum: Museum, origin: Origin) -> None:
    origin.serve("/hook", Status(500))
    museum.callback = origin.url("/hook")
    worked = await museum.ingest_urls(origin.serve("/one.jpg", Content(JPEG)))
    assert worked.status.settled
    first = origin.wait_for_posts(1)[0]
    assert json.loads(first.body)["marking"] == "resized"


async def test_a_batch_that_gets_further_counts_its_resumes_anew(museum: Museum, origin: Origin) -> None:
    url = origin.serve("/one.jpg", Content(JPEG))
    async with museum.run() as resources:
        batch = (await plan_batch(resources, Order("museum", urls=[url]))).batch.id or 0
        await resources.write(update_rows, Batch, [{"id": batch, "resumes": 3}])
        await museum.ingest(resources, Order("museum", batch=batch))
        assert (await resources.read(get_batch, batch)).resumes == 0
