"""The gateway's application: what it is made of, and what it opens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from gateway import accounts, dispatch, health, images, pages, problems, reading, reference
from gateway.page_access import PageAccess
from gateway.rendering import STATIC
from gateway.security_headers import SecurityHeaders
from gateway.state import open_state
from sais.configuration import Configuration
from sais.runs import PrefectSettings


def create_application(configuration: Configuration, prefect: PrefectSettings | None = None) -> FastAPI:
    """`prefect` is read from the environment when it is not given. Nothing is opened before the application starts."""

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with open_state(configuration, prefect or PrefectSettings()) as state:
            application.state.gateway = state
            yield

    application = FastAPI(
        title="SAIS",
        summary="Asynchronous image server",
        version=version("sais"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    application.add_middleware(SecurityHeaders)
    problems.add_handlers(application)
    for module in (accounts, dispatch, reading, images, health, reference):
        application.include_router(module.router)
    application.include_router(pages.router, dependencies=[PageAccess])
    application.mount("/static", StaticFiles(directory=STATIC))
    return application
