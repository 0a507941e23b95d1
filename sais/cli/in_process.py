"""Work that a command does itself, in this process: with the environment's settings, without Prefect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from sais.configuration import Configuration
from sais.pipeline.resources import Resources, open_resources
from sais.settings import Settings


@asynccontextmanager
async def resources_here() -> AsyncIterator[Resources]:
    async with open_resources(Configuration.from_settings(Settings()), f"command-{uuid4().hex}") as resources:
        yield resources
