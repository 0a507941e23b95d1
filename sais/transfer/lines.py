"""A line of an export, as JSON keys and as checked values (docs/transfer.md). The predecessor's lines are read too.

Lax on purpose: keys may be missing, unknown ones are left aside, and PHP writes an empty object as `[]`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sais.transfer.kinds import Kind
from sais_models import CallbackMode, Layout, MediaMarking, ThumbFormat, ThumbMarking, ThumbMode
from sais_models.preset import PresetName, Side

INT32, INT64 = 2**31 - 1, 2**63 - 1


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Code = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Count = Annotated[int, Field(ge=0, le=INT32)]
Limit = Annotated[int, Field(ge=0, le=INT64)] | None
Time = Annotated[datetime, AfterValidator(_utc)]
# `[]` is PHP's empty object.
Facts = Annotated[dict[str, Any], BeforeValidator(lambda value: value or {})]
OptionalFacts = Annotated[dict[str, Any] | None, BeforeValidator(lambda value: None if value == [] else value)]


class Line(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", allow_inf_nan=False)


class AccountLine(Line):
    """`apiKey` stands only in the predecessor's lines, `keyHash` and the secrets only where they were asked for."""

    root: Annotated[str, Field(validation_alias=AliasChoices("root", "code"))]
    approx: Annotated[Count | None, Field(validation_alias=AliasChoices("approx", "approxImageCount", "estimated"))] = (
        None
    )
    layout: Layout | None = None
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None
    batch_callback_url: str | None = None
    callback_mode: CallbackMode = CallbackMode.EACH
    default_presets: Annotated[list[PresetName], BeforeValidator(lambda value: value or [])] = []
    image_limit: Limit = None
    daily_bytes_limit: Limit = None
    queued_limit: Limit = None
    created_at: Time | None = None
    api_key: str | None = None
    key_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    webhook_secret: Annotated[str, Field(pattern=r"^whsec_[A-Za-z0-9+/=]{24,100}$")] | None = None
    former_webhook_secret: Annotated[str, Field(pattern=r"^whsec_[A-Za-z0-9+/=]{24,100}$")] | None = None
    former_secret_until: Time | None = None


class PresetLine(Line):
    name: PresetName
    recipe: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    width: Side
    height: Side
    mode: ThumbMode
    format: ThumbFormat
    quality: Annotated[int, Field(ge=1, le=100)]
    current: bool = True
    created_at: Time | None = None


class MediaLine(Line):
    code: Code
    original_url: str
    root: str | None = None
    user_code: str | None = None
    path: str | None = None
    marking: MediaMarking = MediaMarking.NEW
    reason: str | None = None
    retryable: bool = False
    attempts: Count = 0
    retries: Count = 0
    status_code: Count | None = None
    mime_type: str | None = None
    size: Annotated[int, Field(ge=0, le=INT64)] | None = None
    original_width: Count | None = None
    original_height: Count | None = None
    checksum: Annotated[str, Field(max_length=64)] | None = None
    etag: str | None = None
    last_modified: str | None = None
    checked_at: Time | None = None
    source_reason: str | None = None
    blur: str | None = None
    p_hash: str | None = None
    colors: list[str] | None = None
    exif: OptionalFacts = None
    context: Facts = {}
    created_at: Time | None = None
    updated_at: Time | None = None


class ThumbLine(Line):
    media: Annotated[Code, BeforeValidator(lambda value: value.rpartition("/")[2] if isinstance(value, str) else value)]
    liip_code: PresetName
    marking: ThumbMarking = ThumbMarking.NEW
    recipe: Annotated[str, Field(max_length=12)] | None = None
    mime_type: str | None = None
    size: Count | None = None
    w: Count | None = None
    h: Count | None = None
    url: str | None = None
    reason: str | None = None
    updated_at: Time | None = None


LINES: Mapping[Kind, type[Line]] = {
    Kind.ACCOUNTS: AccountLine,
    Kind.PRESETS: PresetLine,
    Kind.MEDIA: MediaLine,
    Kind.THUMBS: ThumbLine,
}
# Keys that both formats may have and that say nothing which is not known otherwise.
_SAID_ELSEWHERE = {
    Kind.ACCOUNTS: {"id", "userIdentifier", "binCount", "code"},
    Kind.PRESETS: set[str](),
    Kind.MEDIA: {"ext", "resized"},
    Kind.THUMBS: {"id"},
}


def _keys(kind: Kind) -> frozenset[str]:
    keys = set(_SAID_ELSEWHERE[kind])
    for name, field in LINES[kind].model_fields.items():
        alias = field.validation_alias
        keys |= {str(choice) for choice in alias.choices} if isinstance(alias, AliasChoices) else {to_camel(name)}
    return frozenset(keys)


KNOWN_KEYS = {kind: _keys(kind) for kind in Kind}
