"""Making accounts, and knowing them by their keys (contract: keys, accounts)."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sais.addressing import DIRECTORIES, check_root, default_layout
from sais.catalog import accounts
from sais.catalog.media import count_by_marking
from sais.errors import AccountConflict, Forbidden, InputError, Unauthorized
from sais.fetching import Guard
from sais.quotas import Limits
from sais.webhooks.callbacks import check_callbacks
from sais.webhooks.signing import new_secret
from sais_models import Account, CallbackMode, Layout
from sais_models.columns import utc_now
from sais_models.wire import AccountConfig, AccountInfo, AccountSetup

KEY_BYTES = 32
FORMER_SECRET_SIGNS = timedelta(days=1)
MOST_IMAGES = 2**31 - 1  # what the column holds
STORAGE_DEPTH = {Layout.OCTAL2: 1, Layout.OCTAL3: 1, Layout.HEX22: 2}
# Compared with when the account is unknown, so that an unknown root takes as long as a wrong key.
NOBODY = hashlib.sha256(secrets.token_bytes(KEY_BYTES)).hexdigest()


def hash_key(key: str) -> str:
    """Keys have 256 random bits, so one round of SHA-256 is enough: there is no dictionary to try."""
    return hashlib.sha256(key.encode()).hexdigest()


def authenticate(connection: Connection, root: str, key: str | None) -> Account:
    """The account `root` if `key` is its own. Raises Unauthorized alike for an unknown root and for a wrong key."""
    account = accounts.find_account(connection, root)
    expected = account.key_hash if account else NOBODY
    if not hmac.compare_digest(hash_key(key or ""), expected) or account is None:
        raise Unauthorized("unknown account, or wrong key", field="apiKey")
    return account


def account_of_key(connection: Connection, key: str | None) -> Account:
    """Whose key this is. Raises Unauthorized.

    The database compares hashes, and nobody can steer the hash of a key towards another: how long that takes tells
    nothing.
    """
    account = accounts.find_account_by_key(connection, hash_key(key or ""))
    if account is None:
        raise Unauthorized("unknown account, or wrong key", field="apiKey")
    return account


def owner(connection: Connection, root: str, key: str | None) -> Account:
    """The account `root`, for its own key. Raises Unauthorized, and Forbidden for the key of another account.

    An unknown root is told from a known one only to those who have its key.
    """
    account = account_of_key(connection, key)
    if account.root != root:
        raise Forbidden("this key belongs to another account")
    return account


def rotate_key(connection: Connection, account: Account) -> AccountInfo:
    """A new key, told this once; the former one opens nothing any more.

    Raises Unauthorized when the key has been changed since `account` was read.
    """
    key = secrets.token_urlsafe(KEY_BYTES)
    if not accounts.replace_key(connection, account.root, former=account.key_hash, new=hash_key(key)):
        raise Unauthorized("unknown account, or wrong key", field="apiKey")
    return info_of(account, key=key)


def rotate_webhook_secret(connection: Connection, account: Account) -> AccountInfo:
    """A new webhook secret, told this once; for a day the former one signs too, so that receivers can change."""
    secret = new_secret()
    accounts.change_account(
        connection,
        account.root,
        webhook_secret=secret,
        former_webhook_secret=account.webhook_secret,
        former_secret_until=utc_now() + FORMER_SECRET_SIGNS,
    )
    return info_of(account, secret=secret)


def signing_secrets(account: Account, now: datetime) -> tuple[str, ...]:
    """What signs a webhook at `now`, the newest first."""
    until = account.former_secret_until
    if account.former_webhook_secret is None or until is None or until <= now:
        return (account.webhook_secret,)
    return (account.webhook_secret, account.former_webhook_secret)


def set_up_account(
    connection: Connection, setup: AccountSetup, *, guard: Guard, key: str | None, limits: Limits | None = None
) -> AccountInfo:
    """Makes the account, with `limits`, or with its own key changes its callbacks and, before it has media, its layout.

    Raises InputError for a bad root or callback, Unauthorized for a wrong key, AccountConflict for a layout that
    cannot change any more.
    """
    check_root(setup.root)
    if setup.approx > MOST_IMAGES:
        raise InputError(f"approx is {setup.approx}, {MOST_IMAGES} is the most", field="approx")
    check_callbacks(
        guard,
        mediaCallbackUrl=setup.media_callback_url,
        thumbCallbackUrl=setup.thumb_callback_url,
        batchCallbackUrl=setup.batch_callback_url,
    )
    known = accounts.find_account(connection, setup.root)
    if known is None:
        return _make(connection, setup, limits or Limits())
    if known.deleted_at is not None:
        raise AccountConflict(
            f"{setup.root} is being deleted; the name is free when its last webhooks are delivered", field="root"
        )
    return _change(connection, authenticate(connection, setup.root, key), setup)


def _make(connection: Connection, setup: AccountSetup, limits: Limits) -> AccountInfo:
    key, secret = secrets.token_urlsafe(KEY_BYTES), new_secret()
    accounts.add_account(
        connection,
        root=setup.root,
        approx=setup.approx,
        layout=setup.layout or default_layout(setup.approx),
        key_hash=hash_key(key),
        webhook_secret=secret,
        media_callback_url=setup.media_callback_url,
        thumb_callback_url=setup.thumb_callback_url,
        batch_callback_url=setup.batch_callback_url,
        callback_mode=setup.callback_mode or CallbackMode.EACH,
        **limits.columns(),
    )
    account = accounts.get_account(connection, setup.root)
    if account.key_hash != hash_key(key):
        # PostgreSQL lets two setups of one root run at once: the other one came first.
        raise Unauthorized("unknown account, or wrong key", field="apiKey")
    return info_of(account, key=key, secret=secret)


def _change(connection: Connection, account: Account, setup: AccountSetup) -> AccountInfo:
    layout = setup.layout or (default_layout(setup.approx) if "approx" in setup.model_fields_set else account.layout)
    if layout != account.layout and count_by_marking(connection, account.root):
        raise AccountConflict(
            f"{account.root} has media already in the layout {account.layout}; it cannot become {layout}",
            field="layout" if setup.layout else "approx",
        )
    changes: dict[str, object] = {"layout": layout}
    for name in ("approx", "media_callback_url", "thumb_callback_url", "batch_callback_url", "callback_mode"):
        if name in setup.model_fields_set and (name != "callback_mode" or setup.callback_mode):
            changes[name] = getattr(setup, name)
    accounts.change_account(connection, account.root, **changes)
    return info_of(accounts.get_account(connection, account.root))


def info_of(account: Account, *, key: str | None = None, secret: str | None = None) -> AccountInfo:
    return AccountInfo(
        id=account.root,
        user_identifier=account.root,
        root=account.root,
        approx_image_count=account.approx,
        bin_count=DIRECTORIES[account.layout],
        media_callback_url=account.media_callback_url,
        thumb_callback_url=account.thumb_callback_url,
        batch_callback_url=account.batch_callback_url,
        api_key=key,
        webhook_secret=secret,
        config=AccountConfig(
            root=account.root,
            storage_depth=STORAGE_DEPTH[account.layout],
            storage_path=account.root,
            media_callback_url=account.media_callback_url,
            thumb_callback_url=account.thumb_callback_url,
        ),
        created_at=account.created_at,
    )
