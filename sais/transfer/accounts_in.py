"""Accounts and presets of an import. What is there stays as it is: keys, callbacks and layouts belong to the living."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from sais.accounts import KEY_BYTES, hash_key
from sais.addressing import default_layout
from sais.catalog import transfer
from sais.catalog.bulk import insert_new, new_row
from sais.errors import InputError
from sais.fetching import Guard
from sais.transfer.kinds import Kind
from sais.transfer.lines import AccountLine, PresetLine
from sais.transfer.tally import Tally
from sais.webhooks.callbacks import check_callbacks
from sais.webhooks.signing import new_secret
from sais_models import Account, Layout, Preset
from sais_models.columns import utc_now

DEFAULT_APPROX = 1_000


def add_account_lines(
    connection: Connection,
    lines: Iterable[tuple[int, AccountLine]],
    layouts: Mapping[str, Layout],
    guard: Guard,
    tally: Tally,
    *,
    with_secrets: bool,
) -> dict[str, str]:
    """`layouts` are those that the media's paths tell. Returns the new keys by root: only they are told once."""
    known = transfer.known_roots(connection)
    new_keys: dict[str, str] = {}
    for number, line in lines:
        if known.get(line.root):
            tally.refuse(Kind.ACCOUNTS, number, "an account of this root is being deleted here")
        elif line.root in known:
            tally.count(Kind.ACCOUNTS, "kept")
        else:
            known[line.root] = False
            tally.count(Kind.ACCOUNTS, "added")
            key = _key_of(line, with_secrets)
            if isinstance(key, bytes):
                new_keys[line.root] = key.decode()
            _add(connection, line, layouts, guard, tally, key, with_secrets)
    return new_keys


def _key_of(line: AccountLine, with_secrets: bool) -> str | bytes:
    """The hash of the key that the line tells; or, as bytes, a new key."""
    if with_secrets and line.key_hash:
        return line.key_hash
    if with_secrets and line.api_key:
        return hash_key(line.api_key)
    return secrets.token_urlsafe(KEY_BYTES).encode()


def _add(
    connection: Connection,
    line: AccountLine,
    layouts: Mapping[str, Layout],
    guard: Guard,
    tally: Tally,
    key: str | bytes,
    with_secrets: bool,
) -> None:
    approx = DEFAULT_APPROX if line.approx is None else line.approx
    kept = with_secrets and line.webhook_secret is not None
    row = new_row(
        Account,
        root=line.root,
        approx=approx,
        layout=line.layout or layouts.get(line.root) or default_layout(approx),
        key_hash=hashlib.sha256(key).hexdigest() if isinstance(key, bytes) else key,
        webhook_secret=line.webhook_secret if kept else new_secret(),
        former_webhook_secret=line.former_webhook_secret if kept else None,
        former_secret_until=line.former_secret_until if kept else None,
        media_callback_url=_callback(guard, tally, "mediaCallbackUrl", line.media_callback_url),
        thumb_callback_url=_callback(guard, tally, "thumbCallbackUrl", line.thumb_callback_url),
        batch_callback_url=_callback(guard, tally, "batchCallbackUrl", line.batch_callback_url),
        callback_mode=line.callback_mode,
        default_presets=line.default_presets,
        image_limit=line.image_limit,
        daily_bytes_limit=line.daily_bytes_limit,
        queued_limit=line.queued_limit,
        created_at=line.created_at or utc_now(),
    )
    insert_new(connection, Account, [row])


def _callback(guard: Guard, tally: Tally, field: str, url: str | None) -> str | None:
    """An address that could never be called is left out, and told; the account is still worth having."""
    try:
        check_callbacks(guard, **{field: url or None})
    except InputError:
        tally.ignore(Kind.ACCOUNTS, {f"{field} (refused address)"})
        return None
    return url or None


def add_preset_lines(connection: Connection, lines: Iterable[tuple[int, PresetLine]], tally: Tally) -> None:
    """A recipe becomes the current one only where its name has none here."""
    known, current = transfer.known_recipes(connection)
    for _, line in lines:
        if (line.name, line.recipe) in known:
            tally.count(Kind.PRESETS, "same")
            continue
        known.add((line.name, line.recipe))
        tally.count(Kind.PRESETS, "added")
        values = line.model_dump(exclude={"current", "created_at"})
        is_current = line.current and line.name not in current
        current |= {line.name} if is_current else set()
        row = new_row(Preset, **values, current=is_current, created_at=line.created_at or utc_now())
        insert_new(connection, Preset, [row])
