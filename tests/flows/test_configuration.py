"""What a run takes from Prefect's blocks, and what it says of one that is no use."""

from collections.abc import AsyncIterator

import pytest
from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, MinIOCredentials
from pydantic import SecretStr

from blocks.configuration import load_configuration
from blocks.database import SaisDatabase
from blocks.preset import SaisPreset
from blocks.storage import SaisStorage
from blocks.webhook_signing import SaisWebhookSigning
from deployments.bootstrap import default_documents
from sais.configuration import Configuration
from sais.errors import SettingsError
from sais.settings import Settings
from sais.webhooks.signing import new_secret

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

AWS = AwsCredentials(aws_access_key_id="museum", aws_secret_access_key=SecretStr("hidden"))
MINIO = MinIOCredentials(minio_root_user="museum", minio_root_password=SecretStr("hidden"))


@pytest.fixture(autouse=True)
async def documents() -> AsyncIterator[None]:
    """As the bootstrap makes them; put back after a test that changed them."""
    yield
    for name, document in default_documents():
        await document.asave(name, overwrite=True)


async def _save(document: Block, name: str) -> None:
    await document.asave(name, overwrite=True)


async def test_what_a_block_leaves_empty_is_as_the_environment_says(settings: Settings) -> None:
    await _save(SaisStorage(), "archive")
    await _save(SaisDatabase(), "default")

    configuration = await load_configuration(settings)

    plain = Configuration.from_settings(settings)
    assert (configuration.archive_url, configuration.database_url) == (plain.archive_url, plain.database_url)
    assert configuration.extra_secrets == ()


async def test_what_an_operator_fills_in_goes_before_the_environment(settings: Settings) -> None:
    secret = new_secret()
    await _save(SaisStorage(url="s3://museum/thumbs", endpoint_url="https://s3.example.org"), "cache")
    await _save(SaisDatabase(url=SecretStr("sqlite:////var/sais.db")), "default")
    await _save(SaisWebhookSigning(shared_secret=SecretStr(secret)), "default")
    await _save(SaisPreset(width=64, height=48), "small")

    configuration = await load_configuration(settings)

    assert (configuration.cache_url, configuration.cache_options["endpoint_url"]) == (
        "s3://museum/thumbs",
        "https://s3.example.org",
    )
    assert configuration.database_url == "sqlite:////var/sais.db"
    assert configuration.extra_secrets == (secret,)
    assert {(p.width, p.height) for p in configuration.presets if p.name == "small"} == {(64, 48)}


async def test_more_blocks_than_prefect_gives_at_once_are_all_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = (await load_configuration(settings)).presets
    monkeypatch.setattr("blocks.configuration.PAGE", 2)

    assert (await load_configuration(settings)).presets == presets
    assert len(presets) > 2


@pytest.mark.parametrize("credentials", [AWS, MINIO], ids=["aws", "minio"])
async def test_credentials_open_the_bucket(settings: Settings, credentials: AwsCredentials | MinIOCredentials) -> None:
    await _save(SaisStorage(url="s3://originals", credentials=credentials), "archive")

    configuration = await load_configuration(settings)

    assert configuration.archive_url == "s3://originals"
    assert (configuration.archive_options["key"], configuration.archive_options["secret"]) == ("museum", "hidden")


async def test_a_secret_that_cannot_sign_is_named_and_not_shown(settings: Settings) -> None:
    signing = SaisWebhookSigning()
    signing.shared_secret = SecretStr("whsec_hiddn")
    await _save(signing, "default")

    with pytest.raises(SettingsError, match="block sais-webhook-signing/default: shared_secret: ") as raised:
        await load_configuration(settings)

    assert "hiddn" not in str(raised.value)


async def test_credentials_saved_as_a_block_of_their_own_open_it_too(settings: Settings) -> None:
    await _save(MINIO, "museum")
    await _save(SaisStorage(url="s3://originals", credentials=await MinIOCredentials.aload("museum")), "archive")

    configuration = await load_configuration(settings)

    assert configuration.archive_options["secret"] == "hidden"
