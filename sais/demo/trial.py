"""One batch of photographs through the gateway: sent, followed to its end, and every answer collected."""

from collections.abc import Callable, Sequence

import httpx
from rich.console import Console

from sais.client import Dispatched, SaisClient
from sais.demo.origin import Origin
from sais.demo.outcome import PRESETS, Outcome
from sais.demo.photographs import DemoPhotograph
from sais.demo.progress import Sums, show_progress
from sais.demo.receiver import Receiver
from sais.demo.thumbs import fetch_thumbs
from sais.errors import InfrastructureError

BATCH_SECONDS = 300
POLL_SECONDS = 0.2


def send(client: SaisClient, origin: Origin, photographs: Sequence[DemoPhotograph], receiver: Receiver) -> Dispatched:
    """InfrastructureError when not every image has its row."""
    images = [
        {"url": origin.url_of(photograph), "context": {"photograph": photograph.path}} for photograph in photographs
    ]
    sent = client.dispatch(images, PRESETS, media_callback_url=receiver.url)
    if len(sent.rows) != len(images):
        raise InfrastructureError(f"{len(images)} images sent, {len(sent.rows)} rows came back")
    return sent


def follow(client: SaisClient, batch: int, console: Console, note_first_thumb: Callable[[], None]) -> Sums:
    """The sums when the batch has settled, or when the time for it is over, and then says so."""
    last: Sums = {}
    for last in show_progress(console, client.watch(batch, BATCH_SECONDS, POLL_SECONDS)):
        if last["done"]:
            note_first_thumb()
    if not last["settled"]:
        console.print(f"✗ batch {batch} has not settled after {BATCH_SECONDS} s", style="red")
    return last


def accepted_codes(sent: Dispatched) -> list[str]:
    return [row["code"] for row in sent.rows if row["marking"] != "rejected"]


def collect(
    client: SaisClient, photographs: Sequence[DemoPhotograph], sent: Dispatched, receiver: Receiver
) -> list[Outcome]:
    """What the gateway, the webhooks and the thumbs' own addresses say of each photograph, in the order sent."""
    media = {row["id"]: row for row in client.media(accepted_codes(sent))}
    outcomes = []
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        for photograph, row in zip(photographs, sent.rows, strict=True):
            code = row.get("code") or ""
            found = media.get(code, {})
            thumbs = fetch_thumbs(browser, found.get("thumbs") or {})
            outcomes.append(Outcome(photograph, row, found, receiver.webhook(code), thumbs))
    return outcomes
