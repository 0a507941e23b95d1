"""The gateway's application: what it is made of, and what it opens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from gateway import (
    accounts,
    cancelling,
    deleting,
    dispatch,
    events,
    forms,
    health,
    images,
    iterating,
    manifests,
    mcp,
    metrics,
    pages,
    problems,
    reading,
    reference,
    requests,
    retrying,
    rpc,
    uploads,
    webhooks,
)
from gateway.access_log import AccessLog
from gateway.bot_guard import BotGuard
from gateway.client_address import networks_of
from gateway.mcp import mcp_sessions
from gateway.openapi import PROBLEMS, describe
from gateway.page_access import PageAccess
from gateway.rendering import STATIC
from gateway.security_headers import SecurityHeaders
from gateway.state import open_state
from gateway.takeover import taking_over
from sais.configuration import Configuration
from sais.runs import PrefectSettings


def create_application(configuration: Configuration, prefect: PrefectSettings | None = None) -> FastAPI:
    """`prefect` is read from the environment when it is not given. Nothing is opened before the application starts."""

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with open_state(configuration, prefect or PrefectSettings()) as state, taking_over(state):
            application.state.gateway = state
            async with mcp_sessions(state.settings, application.version) as application.state.mcp:
                yield

    settings = configuration.settings
    application = FastAPI(
        title="SAIS",
        summary="Asynchronous image server",
        version=version("sais"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
    )
    application.state.metrics = counters = metrics.Metrics()
    application.add_middleware(BotGuard, metrics=counters, registration_token=settings.registration_token)
    application.add_middleware(SecurityHeaders)
    application.add_middleware(
        AccessLog,
        metrics=counters,
        trusted=networks_of(settings.trusted_proxies),
        lines=settings.access_log == "json",
    )
    describe(application)
    problems.add_handlers(application)
    for module in (
        images,  # the busiest first: routes are tried in this order
        accounts,
        dispatch,
        uploads,
        manifests,
        requests,
        reading,
        webhooks,
        deleting,
        health,
        metrics,
        reference,
        iterating,
        retrying,
        cancelling,
        rpc,
        mcp,
    ):
        application.include_router(module.router)
    for router in (pages.router, forms.router, events.router, cancelling.forms):
        application.include_router(router, dependencies=[PageAccess])
    application.mount("/static", StaticFiles(directory=STATIC))
    return application
