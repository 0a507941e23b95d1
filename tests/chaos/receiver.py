"""The client application's web server, as a process of its own that can be stopped for a while.

    python -m tests.chaos.receiver PORT FOLDER

Each POST is a line in FOLDER/webhooks, written before the answer: what is killed between the two comes again.
`FOLDER/ROOT.secret` is the webhook secret of an account.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sais.client.webhooks import verify_webhook
from sais.errors import InputError


@dataclass(frozen=True)
class Webhook:
    """One POST. `subject` is the code of its media or the id of its batch, `body` the hash of its bytes."""

    root: str
    id: str
    subject: str
    body: str
    verified: bool


def webhooks(folder: Path) -> Iterator[Webhook]:
    """All that came, in their order."""
    if (folder / "webhooks").exists():
        for line in (folder / "webhooks").read_text().splitlines():
            yield Webhook(**json.loads(line))


def application(folder: Path) -> Starlette:
    def take(root: str, headers: dict[str, str], body: bytes) -> None:
        secret = (folder / f"{root}.secret").read_text()
        try:
            payload = verify_webhook(body, headers, secret)
        except InputError:
            payload = json.loads(body)
            verified = False
        else:
            verified = True
        subject = str(payload.get("code") or payload.get("id"))
        came = Webhook(root, headers["webhook-id"], subject, hashlib.sha256(body).hexdigest(), verified)
        with (folder / "webhooks").open("a") as record:
            record.write(json.dumps(asdict(came)) + "\n")

    async def post(request: Request) -> Response:
        await run_in_threadpool(take, request.path_params["root"], dict(request.headers), await request.body())
        return Response(status_code=204)

    return Starlette(routes=[Route("/hooks/{root}", post, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(application(Path(sys.argv[2])), port=int(sys.argv[1]), log_level="warning")
