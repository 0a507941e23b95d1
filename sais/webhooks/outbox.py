"""What is said to the client, as rows of the outbox (contract: webhooks). Pure: rows in, rows out."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sais.addressing import receiver_of, thumb_url
from sais.catalog.bulk import Row, new_row
from sais_models import Account, Batch, CallbackMode, Delivery, DeliveryKind, Media, Thumb, ThumbMarking
from sais_models.wire import BatchStatus, MediaWebhook, ThumbWebhook, WebhookThumb

DELETED = "deleted"


@dataclass(frozen=True)
class Report:
    """One media that settled in a batch: its row, all its thumbs, and the client's own context for it."""

    media: Media
    thumbs: Sequence[Thumb]
    context: dict[str, Any]
    reason: str | None = None


def deliveries_for(batch: Batch, account: Account, reports: Sequence[Report], *, public_url: str) -> list[Row]:
    """Rows of Delivery: to the media callback one for each media (or one for all), to the other one a thumb."""
    rows: list[Row] = []
    if batch.media_callback_url and reports:
        bodies = [(report.media.code, media_body(report, public_url=public_url)) for report in reports]
        if account.callback_mode == CallbackMode.BATCH:
            codes = _digest(code for code, _ in bodies)
            together = {"batch": batch.id, "media": [body for _, body in bodies]}
            rows.append(_delivery(batch.root, batch.id, DeliveryKind.BATCH, codes, batch.media_callback_url, together))
        else:
            url = batch.media_callback_url
            rows += [_delivery(batch.root, batch.id, DeliveryKind.MEDIA, code, url, body) for code, body in bodies]
    if batch.thumb_callback_url:
        rows += [
            _delivery(
                batch.root,
                batch.id,
                DeliveryKind.THUMB,
                f"{body['mediaCode']}/{body['liipCode']}",
                batch.thumb_callback_url,
                body,
            )
            for report in reports
            for body in thumb_bodies(report, batch.presets, public_url=public_url)
        ]
    return rows


def summary_of(batch: Batch, url: str, status: BatchStatus) -> Row:
    """One for a batch, when it has settled or was cancelled."""
    return _delivery(batch.root, batch.id, DeliveryKind.SUMMARY, status.marking, url, status.body())


def deletion_deliveries(account: Account, media: Sequence[Media]) -> list[Row]:
    """To the account's media callback: these are gone, `marking` says `deleted`, and there are no thumbs any more."""
    url = account.media_callback_url
    if not url or not media:
        return []
    bodies = {one.code: _body(one, DELETED, {}, one.context, None) for one in media}
    if account.callback_mode == CallbackMode.BATCH:
        together = {"batch": None, "media": list(bodies.values())}
        return [_delivery(account.root, None, DeliveryKind.BATCH, _digest(bodies), url, together)]
    return [_delivery(account.root, None, DeliveryKind.MEDIA, code, url, body) for code, body in bodies.items()]


def media_body(report: Report, *, public_url: str) -> dict[str, Any]:
    media = report.media
    thumbs = {
        thumb.preset: WebhookThumb(url=thumb_url(public_url, thumb.preset, media.path), size=thumb.size or 0)
        for thumb in report.thumbs
        if thumb.marking == ThumbMarking.DONE and media.path is not None
    }
    return _body(media, media.marking, thumbs, report.context, report.reason)


def _body(
    media: Media, marking: str, thumbs: dict[str, WebhookThumb], context: dict[str, Any], reason: str | None
) -> dict[str, Any]:
    return MediaWebhook(
        thumb_data=thumbs,
        blur=media.blurhash,
        code=media.code,
        path=media.path,
        original_url=media.url,
        marking=marking,
        root=media.root,
        context=context,
        mime_type=media.mime_type,
        size=media.size,
        original_width=media.width,
        original_height=media.height,
        status_code=media.status_code,
        reason=reason,
    ).body()


def thumb_bodies(report: Report, presets: Sequence[str], *, public_url: str) -> Iterator[dict[str, Any]]:
    path = report.media.path
    for thumb in report.thumbs:
        if thumb.marking == ThumbMarking.DONE and thumb.preset in presets and path is not None:
            yield ThumbWebhook(
                media_code=thumb.code,
                liip_code=thumb.preset,
                url=thumb_url(public_url, thumb.preset, path),
                size=thumb.size or 0,
            ).body()


def _digest(codes: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(sorted(codes)).encode()).hexdigest()


def _delivery(root: str, batch_id: int | None, kind: DeliveryKind, subject: str, url: str, body: dict[str, Any]) -> Row:
    return new_row(
        Delivery,
        id=f"msg_{uuid4().hex}",
        root=root,
        batch_id=batch_id,
        kind=kind,
        subject=subject,
        url=url,
        receiver=receiver_of(url),
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    )
