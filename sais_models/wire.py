"""The payloads on the wire, named to the letter as contract.md has them (camelCase lives only here)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sais_models.account import CallbackMode, Layout
from sais_models.batch import Lane


class Wire(BaseModel):
    """camelCase outside, snake_case inside; unknown keys of a request are an error that names them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def body(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(mode="json", by_alias=True)


class AccountSetup(Wire):
    """`POST /account_setup`; `estimated` is another name of `approx`."""

    root: str
    approx: Annotated[int, Field(ge=0, validation_alias=AliasChoices("approx", "estimated"))] = 1000
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None
    batch_callback_url: str | None = None
    callback_mode: CallbackMode | None = None
    api_key: str | None = None
    layout: Layout | None = None


class AccountConfig(Wire):
    root: str
    storage_depth: int
    storage_path: str
    media_callback_url: str | None
    thumb_callback_url: str | None


class AccountInfo(Wire):
    """`apiKey` and `webhookSecret` are told once, when the account is made; null ever after."""

    id: str
    user_identifier: str
    root: str
    approx_image_count: int
    bin_count: int
    media_callback_url: str | None
    thumb_callback_url: str | None
    batch_callback_url: str | None
    api_key: str | None
    webhook_secret: str | None
    config: AccountConfig
    created_at: datetime


class AccountLimits(Wire):
    """Set by the operator; null is no limit."""

    images: int | None
    bytes_per_day: int | None
    queued: int | None


class AccountUsage(Wire):
    """What counts against the limits now; `bytesToday` since midnight, UTC."""

    images: int
    bytes_today: int
    queued: int


class ImageRequest(Wire):
    url: str
    context: dict[str, Any] = Field(default_factory=dict)


class DispatchProcess(Wire):
    """`POST /dispatch_process`."""

    root: str
    images: list[str | ImageRequest]
    filters: list[str] = Field(default_factory=list)
    context: dict[str, Any] = Field(default_factory=dict)
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None
    batch_callback_url: str | None = None
    api_key: str | None = None
    wait: bool = False
    lane: Lane | None = None


class ThumbData(Wire):
    url: str
    size: int
    width: int
    height: int


class MediaRow(Wire):
    """One row of the answer to a dispatch; `width` and `height` in pixels as displayed, `size` in bytes."""

    code: str | None
    root: str
    path: str | None = None
    original_url: str
    marking: str
    status_code: int | None = None
    mime_type: str | None = None
    size: int | None = None
    original_width: int | None = None
    original_height: int | None = None
    blur: str | None = None
    resized: dict[str, str] = Field(default_factory=dict)
    thumb_data: dict[str, ThumbData] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    reason: str | None = None


class WebhookThumb(Wire):
    url: str
    size: int


class MediaWebhook(Wire):
    """The body of the POST to `mediaCallbackUrl` when a media settles."""

    thumb_data: dict[str, WebhookThumb]
    blur: str | None
    code: str
    path: str | None
    original_url: str
    marking: str
    root: str
    context: dict[str, Any]
    mime_type: str | None
    size: int | None
    original_width: int | None
    original_height: int | None
    status_code: int | None
    reason: str | None


class ThumbWebhook(Wire):
    """The body of the POST to `thumbCallbackUrl` for each thumb."""

    media_code: str
    liip_code: str
    url: str
    size: int


MOST_IDS = 10_000
LARGEST_ID = 2**31 - 1
# Further out a time zone could lead out of the calendar.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]


class WebhookChoice(Wire):
    """Which webhooks of an account; every field that is given narrows it. Times are of when it was written."""

    ids: Annotated[list[Annotated[str, Field(pattern=r"^msg_[0-9a-f]{32}$")]], Field(max_length=MOST_IDS)] = []
    batch: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    receiver: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=4096)] | None = None
    since: Moment | None = None
    until: Moment | None = None


class WebhookRow(Wire):
    """`GET /webhooks`; `receiver` is the address without what may be secret in it."""

    id: str
    batch: int
    kind: str
    subject: str
    receiver: str
    marking: str
    attempts: int
    status_code: int | None
    reason: str | None
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None


class Replayed(Wire):
    """`POST /webhooks/replay`: how many are due again."""

    replayed: int


class BatchStatus(Wire):
    """`GET /batches/{id}`, and the body of the POST to `batchCallbackUrl` when the batch has ended.

    submitted = accepted + rejected, accepted = pending + done + failed + cancelled; `settled` is true when nothing is
    worked on any more, for a cancelled batch too.
    """

    id: int
    root: str
    submitted: int
    accepted: int
    rejected: int
    pending: int
    done: int
    failed: int
    cancelled: int
    reasons: dict[str, int]
    marking: str
    settled: bool
    flow_run_url: str | None
