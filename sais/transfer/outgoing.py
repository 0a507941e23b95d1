"""Rows as the lines of an export."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlmodel import SQLModel

from sais.addressing import DIRECTORIES, thumb_url
from sais.transfer.kinds import Kind
from sais_models import Account, Media, Preset, Thumb

Columns = dict[str, Any]


def account_columns(account: Account, *, with_secrets: bool) -> Columns:
    columns = {
        "root": account.root,
        "approxImageCount": account.approx,
        "binCount": DIRECTORIES[account.layout],
        "layout": account.layout,
        "mediaCallbackUrl": account.media_callback_url,
        "thumbCallbackUrl": account.thumb_callback_url,
        "batchCallbackUrl": account.batch_callback_url,
        "callbackMode": account.callback_mode,
        "defaultPresets": account.default_presets,
        "imageLimit": account.image_limit,
        "dailyBytesLimit": account.daily_bytes_limit,
        "queuedLimit": account.queued_limit,
        "createdAt": _time(account.created_at),
    }
    if with_secrets:
        columns |= {
            "keyHash": account.key_hash,
            "webhookSecret": account.webhook_secret,
            "formerWebhookSecret": account.former_webhook_secret,
            "formerSecretUntil": _time(account.former_secret_until),
        }
    return columns


def preset_columns(preset: Preset) -> Columns:
    return {
        **preset.settings.model_dump(mode="json"),
        "recipe": preset.recipe,
        "current": preset.current,
        "createdAt": _time(preset.created_at),
    }


def media_columns(media: Media) -> Columns:
    return {
        "code": media.code,
        "marking": media.marking,
        "root": media.root,
        "userCode": media.root,
        "path": media.path,
        "originalUrl": media.url,
        "mimeType": media.mime_type,
        "size": media.size,
        "statusCode": media.status_code,
        "originalWidth": media.width,
        "originalHeight": media.height,
        "ext": PurePosixPath(media.path).suffix.removeprefix(".") if media.path else None,
        "exif": media.exif,
        "context": media.context,
        "blur": media.blurhash,
        "reason": media.reason,
        "retryable": media.retryable,
        "attempts": media.attempts,
        "retries": media.retries,
        "checksum": media.checksum,
        "etag": media.etag,
        "lastModified": media.last_modified,
        "checkedAt": _time(media.checked_at),
        "sourceReason": media.source_reason,
        "pHash": media.phash,
        "colors": media.colors,
        "createdAt": _time(media.created_at),
        "updatedAt": _time(media.updated_at),
    }


def thumb_columns(thumb: Thumb, path: str | None, *, public_url: str) -> Columns:
    return {
        "media": thumb.code,
        "liipCode": thumb.preset,
        "marking": thumb.marking,
        "url": thumb_url(public_url, thumb.preset, path) if path else None,
        "size": thumb.size,
        "w": thumb.width,
        "h": thumb.height,
        "mimeType": thumb.mime_type,
        "recipe": thumb.recipe,
        "reason": thumb.reason,
        "updatedAt": _time(thumb.updated_at),
    }


def key_of(row: SQLModel) -> list[str]:
    """The place of a row in its file, from which an export goes on."""
    match row:
        case Account():
            return [row.root]
        case Preset():
            return [row.name, row.recipe]
        case Thumb():
            return [row.code, row.preset]
        case Media():
            return [row.code]
    raise TypeError(type(row).__name__)


def columns_of(
    kind: Kind, *, with_secrets: bool, public_url: str
) -> Callable[[Any, Mapping[str, str | None]], Columns]:
    """From a row of this kind, and the paths of media by code, to its line."""
    match kind:
        case Kind.ACCOUNTS:
            return lambda row, _: account_columns(row, with_secrets=with_secrets)
        case Kind.PRESETS:
            return lambda row, _: preset_columns(row)
        case Kind.MEDIA:
            return lambda row, _: media_columns(row)
        case Kind.THUMBS:
            return lambda row, paths: thumb_columns(row, paths.get(row.code), public_url=public_url)


def line_of(columns: Columns) -> bytes:
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
