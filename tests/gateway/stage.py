"""What a test of the gateway speaks with: its client, and the database and storage behind it."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Connection

from gateway.state import GatewayState
from sais.addressing import code_of, path_of
from sais.catalog.bulk import new_row, update_rows
from sais.catalog.media import save_thumbs
from sais.settling import settle
from sais_models import Layout, Media, MediaMarking, Thumb, ThumbMarking


def url_of(number: int) -> str:
    return f"https://photos.example/{number}.jpg"


@dataclass(frozen=True)
class Stage:
    client: httpx.AsyncClient
    state: GatewayState

    async def account(self, root: str = "museum", **values: Any) -> str:
        """Makes it; returns its key."""
        answer = await self.client.post("/account_setup", json={"root": root, "approx": 100, **values})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["apiKey"])

    async def dispatch(self, key: str, images: list[Any], root: str = "museum", **values: Any) -> httpx.Response:
        body = {"root": root, "images": images, **values}
        return await self.client.post("/dispatch_process", json=body, headers=bearer(key))

    async def finish(self, url: str, data: bytes = b"picture", presets: tuple[str, ...] = ("small",)) -> str:
        """Does to `url` what a run does: thumbs in the cache, rows, settling. Returns the original's path."""
        code = code_of(url, "museum")
        path = path_of("museum", code, Layout.OCTAL2, "jpg")
        for preset in presets:
            await self.state.cache.write(f"{preset}/{path}", data, "image/webp")
        await self.state.database.write(_finish, code, path, len(data), presets)
        return path

    async def fail(self, url: str, reason: str) -> None:
        await self.state.database.write(_fail, code_of(url, "museum"), reason)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _finish(connection: Connection, code: str, path: str, size: int, presets: tuple[str, ...]) -> None:
    media = {"code": code, "marking": MediaMarking.RESIZED, "path": path, "mime_type": "image/jpeg"}
    update_rows(connection, Media, [media | {"width": 300, "height": 200, "size": 1000, "blurhash": "LKO2"}])
    thumb = {"marking": ThumbMarking.DONE, "recipe": "abcdefabcdef", "mime_type": "image/webp", "size": size}
    rows = [new_row(Thumb, code=code, preset=preset, width=192, height=128, **thumb) for preset in presets]
    save_thumbs(connection, rows)
    settle(connection, [code], public_url="http://gateway")


def _fail(connection: Connection, code: str, reason: str) -> None:
    update_rows(connection, Media, [{"code": code, "marking": MediaMarking.FAILED, "reason": reason}])
    settle(connection, [code], public_url="http://gateway")
