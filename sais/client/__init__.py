"""What a client application needs: one account's requests, plain or async, and webhooks verified."""

from sais.client.asynchronous import AsyncSaisClient
from sais.client.blocking import SaisClient
from sais.client.requests import DispatchOptions, FileOptions, Image, RegisterOptions, UploadOptions, pieces
from sais.client.transport import Dispatched
from sais.client.webhooks import verify_webhook

__all__ = [
    "AsyncSaisClient",
    "DispatchOptions",
    "Dispatched",
    "FileOptions",
    "Image",
    "RegisterOptions",
    "SaisClient",
    "UploadOptions",
    "pieces",
    "verify_webhook",
]
