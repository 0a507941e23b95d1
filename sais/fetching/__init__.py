"""Fetching: bytes from strangers' servers, through a guard, whole or not at all; and POSTs to webhook receivers."""

from sais.fetching.fetcher import Fetched, Fetcher, PostResult
from sais.fetching.guard import Guard
from sais.fetching.politeness import HostPause
from sais.fetching.redaction import redact_url
from sais.fetching.resolver import GuardedResolver, Lookup
from sais.fetching.slots import Waits

__all__ = ["Fetched", "Fetcher", "Guard", "GuardedResolver", "HostPause", "Lookup", "PostResult", "Waits", "redact_url"]
