"""What a form sends: read with a limit, and only when it was sent from a page of this gateway."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, HTTPException, Request

from gateway.json_bodies import JsonRequest
from gateway.state import State

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
_LINE_ENDS = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Form:
    """Values by the name of their field, each stripped, the empty ones left out."""

    fields: dict[str, list[str]]

    def one(self, name: str) -> str | None:
        return next(iter(self.fields.get(name, [])), None)

    def all(self, name: str) -> list[str]:
        return self.fields.get(name, [])

    def lines(self, name: str) -> list[str]:
        return [line for part in _LINE_ENDS.split(self.one(name) or "") if (line := part.strip())]

    def given(self, names: Iterable[str]) -> dict[str, str]:
        """Those of `names` that were filled in."""
        return {name: value for name in names if (value := self.one(name)) is not None}


async def _read(request: Request, state: State) -> Form:
    if not is_same_origin(request, state.public_url):
        raise HTTPException(403, "this form was not sent from a page of this gateway")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise HTTPException(415, f"a form is sent as {MEDIA_TYPE}")
    body = await JsonRequest(request.scope, request.receive).body()
    try:
        return await asyncio.to_thread(parse, body)
    except ValueError as error:
        raise HTTPException(422, f"the form cannot be read: {error}") from None


SentForm = Annotated[Form, Depends(_read)]


def is_same_origin(request: Request, public_url: str) -> bool:
    """By what browsers say and pages cannot forge. `Sec-Fetch-Site` is sent over https and to loopback only, so
    `Origin` decides elsewhere; a proxy may have changed `Host`, so the public address counts too."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        origin = urlsplit(request.headers.get("origin", "")).netloc
    except ValueError:
        return False
    return origin != "" and origin in {request.headers.get("host"), urlsplit(public_url).netloc}


def parse(body: bytes) -> Form:
    """Raises ValueError for what is no UTF-8, or has too many fields."""
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode(), errors="strict", max_num_fields=MOST_FIELDS):
        if stripped := value.strip():
            fields.setdefault(name, []).append(stripped)
    return Form(fields)
