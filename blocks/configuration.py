"""The configuration of a run: the blocks where an operator has filled them in, else the environment."""

import asyncio
from typing import TypeVar

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from blocks.database import DEFAULT as DATABASE
from blocks.database import SaisDatabase
from blocks.preset import SaisPreset
from blocks.storage_address import ARCHIVE, CACHE, SLUG, StorageAddress
from blocks.webhook_signing import DEFAULT as SIGNING
from blocks.webhook_signing import SaisWebhookSigning
from sais.configuration import Configuration
from sais.errors import SettingsError
from sais.settings import Settings
from sais_models import PresetSettings

Document = TypeVar("Document", bound=Block)


async def load_configuration(settings: Settings | None = None) -> Configuration:
    """Loads each block once; about 0.3 s, so once a run, never an image. Raises SettingsError for an unusable one."""
    plain = Configuration.from_settings(settings or Settings())
    archive, cache, database, signing, presets = await asyncio.gather(
        _load_storage(ARCHIVE),
        _load_storage(CACHE),
        _load(SaisDatabase, DATABASE),
        _load(SaisWebhookSigning, SIGNING),
        _load_presets(),
    )
    secret = signing.shared_secret
    return Configuration(
        settings=plain.settings,
        database_url=database.url.get_secret_value() if database.url else plain.database_url,
        archive_url=archive.url or plain.archive_url,
        cache_url=cache.url or plain.cache_url,
        archive_options={**plain.archive_options, **archive.options()},
        cache_options={**plain.cache_options, **cache.options()},
        presets=presets,
        extra_secrets=(secret.get_secret_value(),) if secret else (),
    )


async def _load(kind: type[Document], name: str) -> Document:
    """The document, or an empty one when nobody has made it."""
    try:
        return await kind.aload(name, validate=True)
    except ValueError as error:
        if "Unable to find block document" in str(error):
            return kind()
        raise SettingsError(f"block {kind.get_block_type_slug()}/{name}: {error}", field=name) from error


async def _load_storage(name: str) -> StorageAddress:
    """With credentials it is the whole block, for which prefect_aws has to be imported: 1 s of CPU."""
    async with get_client() as client:
        try:
            document = await client.read_block_document_by_name(name, SLUG)
        except ObjectNotFound:
            return StorageAddress()
    if document.data.get("credentials"):
        from blocks.storage import SaisStorage  # noqa: PLC0415

        return await _load(SaisStorage, name)
    try:
        return StorageAddress.model_validate(document.data)
    except ValidationError as error:
        raise SettingsError(f"block {SLUG}/{name}: {error}", field=name) from error


async def _load_presets() -> tuple[PresetSettings, ...]:
    slug = SaisPreset.get_block_type_slug()
    async with get_client() as client:
        try:
            documents = await client.read_block_documents_by_type(slug)
        except ObjectNotFound:
            return ()
    presets = []
    for document in documents:
        try:
            presets.append(SaisPreset(**document.data).settings(document.name or ""))
        except ValidationError as error:
            raise SettingsError(f"block {slug}/{document.name}: {error}", field=document.name) from error
    return tuple(presets)
