"""Blocks: what an operator may enter, and what a run makes of it."""

import subprocess
import sys

import pytest
from prefect_aws import AwsCredentials, MinIOCredentials
from prefect_aws.client_parameters import AwsClientParameters
from pydantic import SecretStr, ValidationError

from blocks.preset import SaisPreset
from blocks.storage import SaisStorage
from blocks.webhook_signing import SaisWebhookSigning
from deployments.bootstrap import BLOCK_TYPES, default_documents
from deployments.environment import PROJECT
from sais.webhooks.signing import new_secret
from sais_models import DEFAULT_PRESETS

AWS = AwsCredentials(
    aws_access_key_id="AKIA",
    aws_secret_access_key=SecretStr("hidden"),
    region_name="eu-west-1",
    aws_client_parameters=AwsClientParameters(endpoint_url="https://s3.example.org", verify=False),
)
MINIO = MinIOCredentials(minio_root_user="museum", minio_root_password=SecretStr("hidden"))


def test_aws_credentials_become_options_of_s3fs() -> None:
    assert SaisStorage(url="s3://bucket", credentials=AWS).options() == {
        "key": "AKIA",
        "secret": "hidden",
        "endpoint_url": "https://s3.example.org",
        "client_kwargs": {"region_name": "eu-west-1", "verify": False},
    }


def test_the_endpoint_of_the_storage_goes_before_the_one_of_the_credentials() -> None:
    storage = SaisStorage(url="s3://bucket", credentials=AWS, endpoint_url="https://other.example.org")
    assert storage.options()["endpoint_url"] == "https://other.example.org"


def test_minio_credentials_become_options_of_s3fs() -> None:
    options = SaisStorage(url="s3://b", credentials=MINIO, endpoint_url="http://127.0.0.1:9000").options()
    assert (options["key"], options["secret"], options["endpoint_url"]) == ("museum", "hidden", "http://127.0.0.1:9000")


def test_minio_credentials_that_lack_something_are_not_shown() -> None:
    with pytest.raises(ValidationError) as raised:
        SaisStorage.model_validate({"credentials": {"minio_root_user": "museum", "minio_root_password": 7}})
    assert [error["msg"] for error in raised.value.errors()] == [
        "Value error, MinIO's need a user and a password, as text"
    ]


def test_an_empty_block_leaves_everything_to_the_environment() -> None:
    assert (SaisStorage().url, SaisStorage().options()) == (None, {})


def test_secrets_are_not_shown() -> None:
    shown = repr(SaisStorage(credentials=AWS)) + repr(SaisWebhookSigning(shared_secret=SecretStr(new_secret())))
    assert "hidden" not in shown
    assert "whsec_" not in shown


@pytest.mark.parametrize("url", ["ftp://host/x", "bucket/prefix", "file://relative"])
def test_a_storage_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="file:/// or s3://"):
        SaisStorage(url=url)


def test_a_secret_that_cannot_sign_is_refused() -> None:
    with pytest.raises(ValidationError, match="whsec_ and base64"):
        SaisWebhookSigning(shared_secret=SecretStr("whsec_***"))


@pytest.mark.parametrize("preset", DEFAULT_PRESETS, ids=lambda preset: preset.name)
def test_a_preset_block_is_the_preset(preset: object) -> None:
    default = next(each for each in DEFAULT_PRESETS if each is preset)
    assert SaisPreset.of(default).settings(default.name).recipe == default.recipe


def test_every_block_type_describes_itself_and_has_a_document() -> None:
    documented = {type(document) for _, document in default_documents()}
    for kind in BLOCK_TYPES:
        assert kind.get_description()
        if kind.__module__.startswith("blocks."):
            assert kind in documented
            assert all(field.description for field in kind.model_fields.values() if not field.exclude), kind


def test_a_run_whose_blocks_hold_no_credentials_never_imports_those_of_aws() -> None:
    """prefect_aws brings boto3 and a worker for ECS with it: a second of CPU at each start."""
    script = "import sys, flows.ingest, flows.deliver_webhooks; print('prefect_aws' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
