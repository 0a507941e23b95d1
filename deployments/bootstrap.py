"""Makes a Prefect server ready for SAIS: work pool, blocks, deployments, automations. Idempotent.

PREFECT_API_URL=… python -m deployments.bootstrap
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker
from prefect_aws import AwsCredentials, MinIOCredentials

from blocks.database import DEFAULT as DATABASE
from blocks.database import SaisDatabase
from blocks.preset import SaisPreset
from blocks.storage import SaisStorage
from blocks.storage_address import ARCHIVE, CACHE
from blocks.webhook_signing import DEFAULT as SIGNING
from blocks.webhook_signing import SaisWebhookSigning
from deployments.automations import apply_automations
from deployments.environment import PROJECT, WORK_POOL
from sais.errors import PrefectUnavailable
from sais_models import DEFAULT_PRESETS

BLOCK_TYPES: tuple[type[Block], ...] = (
    AwsCredentials,
    MinIOCredentials,
    SaisStorage,
    SaisDatabase,
    SaisPreset,
    SaisWebhookSigning,
)


def default_documents() -> list[tuple[str, Block]]:
    """What an operator finds to edit at first; empty fields leave the environment's word."""
    return [
        (ARCHIVE, SaisStorage()),
        (CACHE, SaisStorage()),
        (DATABASE, SaisDatabase()),
        (SIGNING, SaisWebhookSigning()),
        *((preset.name, SaisPreset.of(preset)) for preset in DEFAULT_PRESETS),
    ]


async def make_ready() -> None:
    """Pool, block types and default documents; documents that are there already keep what the operator wrote."""
    async with get_client() as client:
        await _make_pool(client)
        for kind in BLOCK_TYPES:
            await kind.aregister_type_and_schema(client=client)
        for name, document in default_documents():
            await _save_new(client, name, document)


async def _make_pool(client: PrefectClient) -> None:
    pool = WorkPoolCreate(
        name=os.environ.get("SAIS_WORK_POOL", WORK_POOL),
        type=ProcessWorker.type,
        description="Workers of SAIS",
        base_job_template=ProcessWorker.get_default_base_job_template(),
    )
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return


async def _save_new(client: PrefectClient, name: str, document: Block) -> None:
    known = await client.read_block_documents_by_type(document.get_block_type_slug())
    if name not in {existing.name for existing in known}:
        await document.asave(name, client=client)


def deploy(environment: Mapping[str, str] = os.environ) -> None:
    """Applies prefect.yaml. Raises PrefectUnavailable with Prefect's own words when it cannot."""
    told = {"SAIS_PROJECT": str(PROJECT), "SAIS_WORK_POOL": WORK_POOL} | dict(environment)
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=PROJECT,
        env=told,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise PrefectUnavailable(f"prefect deploy failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


async def automate() -> None:
    """After `deploy`: an automation names the deployment that it runs."""
    async with get_client() as client:
        await apply_automations(client)


def main() -> None:
    asyncio.run(make_ready())
    deploy()
    asyncio.run(automate())
    print("Work pool, blocks, deployments and automations are in place.")


if __name__ == "__main__":
    main()
