"""The names that the contract gives to what is answered, and what every problem looks like."""

from typing import Any

import httpx

ROW = {"code", "root", "path", "originalUrl", "marking", "statusCode", "mimeType", "size", "originalWidth"} | {
    "originalHeight",
    "blur",
    "resized",
    "thumbData",
    "context",
    "reason",
}
ACCOUNT = {"id", "userIdentifier", "root", "approxImageCount", "binCount", "mediaCallbackUrl", "thumbCallbackUrl"} | {
    "batchCallbackUrl",
    "apiKey",
    "webhookSecret",
    "config",
    "createdAt",
}
CONFIG = {"root", "storageDepth", "storagePath", "mediaCallbackUrl", "thumbCallbackUrl"}
MEDIA = {"id", "source", "thumbs", "context", "meta", "marking", "blur", "updatedAt"}
META = {"width", "height", "mimeType", "size", "ext", "status", "pHash", "colors"}
BATCH = {"id", "root", "submitted", "accepted", "rejected", "pending", "done", "failed", "reasons", "settled"} | {
    "flowRunUrl",
    "cancelled",
    "marking",
}
SETUP = {
    "root": "test",
    "approx": 5000,
    "mediaCallbackUrl": None,
    "thumbCallbackUrl": None,
    "apiKey": None,
    "layout": None,
}


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(body) - {"errors"} == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return body
