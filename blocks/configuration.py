"""The configuration of a run: the blocks where an operator has filled them in, else the environment."""

import itertools
from typing import TypeVar

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument
from pydantic import BaseModel, ValidationError

from blocks.database import DEFAULT as DATABASE
from blocks.database import SaisDatabase
from blocks.preset import SaisPreset
from blocks.storage_address import ARCHIVE, CACHE, SLUG, StorageAddress
from blocks.webhook_signing import DEFAULT as SIGNING
from blocks.webhook_signing import SaisWebhookSigning
from sais.configuration import Configuration
from sais.errors import SettingsError
from sais.settings import Settings

SLUGS = (SLUG, *(kind.get_block_type_slug() for kind in (SaisDatabase, SaisWebhookSigning, SaisPreset)))
# As many as Prefect gives in one answer.
PAGE = 200

Documents = dict[tuple[str, str], BlockDocument]
Kind = TypeVar("Kind", bound=BaseModel)
OwnBlock = TypeVar("OwnBlock", bound=Block)


async def load_configuration(settings: Settings | None = None) -> Configuration:
    """Asks Prefect for all blocks at once: once a run, never an image. Raises SettingsError for an unusable one."""
    plain = Configuration.from_settings(settings or Settings())
    documents = await _read_documents()
    archive, cache = _storage(documents, ARCHIVE), _storage(documents, CACHE)
    database = _block(documents, SaisDatabase, DATABASE)
    secret = _block(documents, SaisWebhookSigning, SIGNING).shared_secret
    presets = [d for (slug, _), d in documents.items() if slug == SaisPreset.get_block_type_slug()]
    return Configuration(
        settings=plain.settings,
        database_url=database.url.get_secret_value() if database.url else plain.database_url,
        archive_url=archive.url or plain.archive_url,
        cache_url=cache.url or plain.cache_url,
        archive_options={**plain.archive_options, **archive.options()},
        cache_options={**plain.cache_options, **cache.options()},
        presets=tuple(_valid(SaisPreset, document).settings(document.name or "") for document in presets),
        extra_secrets=(secret.get_secret_value(),) if secret else (),
    )


async def _read_documents() -> Documents:
    """By type and name."""
    documents: Documents = {}
    async with get_client() as client:
        for offset in itertools.count(step=PAGE):
            wanted = {
                "block_types": {"slug": {"any_": SLUGS}},
                "include_secrets": True,
                "limit": PAGE,
                "offset": offset,
            }
            answer = await client.request("POST", "/block_documents/filter", json=wanted)
            page = BlockDocument.model_validate_list(answer.json())
            documents |= {(_slug(document), document.name or ""): document for document in page}
            if len(page) < PAGE:
                break
    return documents


def _slug(document: BlockDocument) -> str:
    return document.block_type.slug if document.block_type else ""


def _block(documents: Documents, kind: type[OwnBlock], name: str) -> OwnBlock:
    """An empty one when nobody has made it."""
    document = documents.get((kind.get_block_type_slug(), name))
    return _valid(kind, document) if document else kind()


def _storage(documents: Documents, name: str) -> StorageAddress:
    """With credentials it is the whole block, for which prefect_aws has to be imported: 1 s of CPU."""
    document = documents.get((SLUG, name))
    if document is None:
        return StorageAddress()
    if not document.data.get("credentials"):
        return _valid(StorageAddress, document)
    from blocks.storage import SaisStorage  # noqa: PLC0415

    return _valid(SaisStorage, document)


def _valid(kind: type[Kind], document: BlockDocument) -> Kind:
    """Raises SettingsError that names the field; what is in it may be a secret."""
    try:
        return kind.model_validate(document.data)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError(f"block {_slug(document)}/{document.name}: {wrong}", field=document.name) from None
