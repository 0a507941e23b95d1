"""A small server that speaks the gateway's contract and does its work in threads, for the client and the demo.

`python -m tests.client.stub_gateway` serves it at SAIS_PORT. STUB_FAULT chooses what goes wrong: `forged` (webhooks
signed with another secret), `dies` (at once).
"""

import base64
import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import httpx
import uvicorn
from PIL import Image, ImageOps
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PRESETS = {"small": 192, "medium": 512}


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def signed_headers(secret: str, body: str, sent: datetime | None = None) -> dict[str, str]:
    sent = sent or datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", sent, body),
    }


class ProblemError(Exception):
    def __init__(self, status: int, title: str, detail: str, field: str | None = None) -> None:
        self.status = status
        errors = [{"field": field, "message": detail}] if field else []
        self.body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": errors}


def answer_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ProblemError)
    return JSONResponse(problem.body, problem.status, media_type="application/problem+json")


class StubGateway:
    """`posted` keeps `(path, Bearer, body)` of every POST."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.forget()
        self.workers = ThreadPoolExecutor(4)
        self.app = Starlette(
            routes=[
                Route("/account_setup", self.account_setup, methods=["POST"]),
                Route("/dispatch_process", self.dispatch_process, methods=["POST"]),
                Route("/upload", self.upload, methods=["POST"]),
                Route("/manifests", self.manifests, methods=["POST"]),
                Route("/account/rotate_key", self.rotate_key, methods=["POST"]),
                Route("/batches/{id:int}", self.batch),
                Route("/batches/{id:int}/cancel", self.cancel, methods=["POST"]),
                Route("/retry", self.retry, methods=["POST"]),
                Route("/webhooks", self.webhooks),
                Route("/webhooks/replay", self.replay, methods=["POST"]),
                Route("/fetch/media/by-ids", self.by_ids, methods=["POST"]),
                Route("/status", self.status),
                Route("/media/cache/{preset}/{name}", self.thumb),
            ],
            exception_handlers={ProblemError: answer_problem},
        )

    def forget(self) -> None:
        self.posted: list[tuple[str, str | None, dict[str, Any]]] = []
        self.accounts: dict[str, tuple[str, str]] = {}
        self.batches: list[list[str | None]] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.thumbs: dict[str, bytes] = {}

    async def read(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        self.posted.append((request.url.path, bearer, body))
        return body

    def check_key(self, request: Request, root: str | None = None) -> None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = {key for name, (key, _) in self.accounts.items() if root in {name, None}}
        if bearer not in known:
            raise ProblemError(401, "Unauthorized", "no account with this root and key")

    async def account_setup(self, request: Request) -> Response:
        body = await self.read(request)
        root = body["root"]
        if root in self.accounts:
            if body["apiKey"] != self.accounts[root][0]:
                raise ProblemError(401, "Unauthorized", "this root is there, and needs its key")
            return JSONResponse({"root": root, "apiKey": None, "webhookSecret": None})
        key, secret = self.accounts[root] = secrets.token_hex(16), new_secret()
        return JSONResponse({"root": root, "apiKey": key, "webhookSecret": secret})

    async def dispatch_process(self, request: Request) -> Response:
        body = await self.read(request)
        self.check_key(request, body["root"])
        for preset in body["filters"]:
            if preset not in PRESETS:
                raise ProblemError(422, "Unknown preset", f"{preset!r}; there are small, medium", "filters")
        images = [{"url": image} if isinstance(image, str) else image for image in body["images"]]
        rows = [self.accept(image["url"], str(request.base_url), body) for image in images]
        self.batches.append([row["code"] for row in rows])
        return JSONResponse(rows, headers={"X-Sais-Batch": str(len(self.batches))})

    async def form(self, request: Request) -> dict[str, Any]:
        """`posted` keeps the fields, and of the file its name and bytes."""
        async with request.form() as form:
            body: dict[str, Any] = {key: form.getlist(key) for key in form if key != "file"}
            file = form["file"]
            assert not isinstance(file, str)
            body["file"] = (file.filename, await file.read())
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        self.posted.append((request.url.path, bearer, body))
        self.check_key(request, body["root"][0])
        return body

    async def upload(self, request: Request) -> Response:
        body = await self.form(request)
        self.batches.append([])
        row = {"code": "c0ffee", "marking": "new", "originalUrl": body["file"][0]}
        return JSONResponse(row, headers={"X-Sais-Batch": str(len(self.batches))})

    async def manifests(self, request: Request) -> Response:
        await self.form(request)
        self.batches.append([])
        return JSONResponse({"batch": len(self.batches)}, 202)

    async def rotate_key(self, request: Request) -> Response:
        root = (await self.read(request))["root"]
        self.check_key(request, root)
        self.accounts[root] = (secrets.token_hex(16), self.accounts[root][1])
        return JSONResponse({"root": root, "apiKey": self.accounts[root][0], "webhookSecret": None})

    def accept(self, url: str, base: str, body: dict[str, Any]) -> dict[str, Any]:
        if not url.startswith("http"):
            return {"code": None, "marking": "rejected", "reason": "bad_scheme"}
        code = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        self.media[code] = {"id": code, "source": url, "marking": "new", "thumbs": {}, "meta": {}, "blur": None}
        self.workers.submit(self.work, code, base, body)
        return {"code": code, "marking": "new", "originalUrl": url}

    def work(self, code: str, base: str, body: dict[str, Any]) -> None:
        media, reason = self.media[code], None
        try:
            self.make_thumbs(media, base, body["filters"])
        except httpx.HTTPStatusError as error:
            reason = f"http_{error.response.status_code}"
        except OSError:
            reason = "corrupt"
        media["marking"] = "failed" if reason else "resized"
        if body.get("mediaCallbackUrl"):
            payload = {"code": code, "marking": media["marking"], "reason": reason}
            self.call_back(body["mediaCallbackUrl"], json.dumps(payload), self.accounts[body["root"]][1])

    def make_thumbs(self, media: dict[str, Any], base: str, presets: list[str]) -> None:
        answer = httpx.get(media["source"], trust_env=False)
        while answer.status_code == 503:
            answer = httpx.get(media["source"], trust_env=False)
        picture: Image.Image = Image.open(BytesIO(answer.raise_for_status().content))
        picture = ImageOps.exif_transpose(picture)
        media["meta"] = {"width": picture.width, "height": picture.height}
        for preset in presets:
            thumb, buffer = picture.convert("RGB"), BytesIO()
            thumb.thumbnail((PRESETS[preset], PRESETS[preset]))
            thumb.save(buffer, "JPEG")
            path = f"media/cache/{preset}/{media['id']}"
            self.thumbs[path] = buffer.getvalue()
            media["thumbs"][preset] = base + path
        media["blur"] = "L00000fQfQfQfQfQfQfQfQfQfQfQ"

    def call_back(self, url: str, body: str, secret: str) -> None:
        headers = signed_headers(new_secret() if self.fault == "forged" else secret, body)
        httpx.post(url, content=body, headers=headers, trust_env=False)

    async def batch(self, request: Request) -> Response:
        self.check_key(request)
        if not 0 < request.path_params["id"] <= len(self.batches):
            raise ProblemError(404, "Not found", "no such batch")
        codes = self.batches[request.path_params["id"] - 1]
        markings = [self.media[code]["marking"] for code in codes if code]
        counts = {name: markings.count(name) for name in ("new", "resized", "failed")}
        sums = {"id": request.path_params["id"], "submitted": len(codes), "accepted": len(markings)}
        sums |= {"rejected": len(codes) - len(markings), "pending": counts["new"], "done": counts["resized"]}
        return JSONResponse({**sums, "failed": counts["failed"], "settled": not counts["new"], "flowRunUrl": None})

    async def cancel(self, request: Request) -> Response:
        await self.read(request)
        return await self.batch(request)

    async def retry(self, request: Request) -> Response:
        await self.read(request)
        self.check_key(request)
        return JSONResponse({"batch": 7, "retried": 2, "next": None})

    async def webhooks(self, request: Request) -> Response:
        self.check_key(request)
        return JSONResponse([dict(request.query_params)])

    async def replay(self, request: Request) -> Response:
        await self.read(request)
        self.check_key(request)
        return JSONResponse({"replayed": 3})

    async def by_ids(self, request: Request) -> Response:
        ids = (await self.read(request))["ids"]
        self.check_key(request)
        return JSONResponse([self.media[code] for code in ids if code in self.media])

    async def status(self, request: Request) -> Response:
        return JSONResponse({"status": "okay", "worker": True})

    async def thumb(self, request: Request) -> Response:
        return Response(self.thumbs[request.url.path.lstrip("/")], media_type="image/jpeg")


def main() -> None:
    fault = os.environ.get("STUB_FAULT", "")
    if fault == "dies":
        sys.exit("port 4200 is taken by somebody")
    uvicorn.run(StubGateway(fault).app, host="127.0.0.1", port=int(os.environ["SAIS_PORT"]), access_log=False)


if __name__ == "__main__":
    main()
