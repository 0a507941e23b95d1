"""How a process of the gateway begins: what it logs, and what it is configured with."""

import gc
import logging

import httpx

from gateway.access_log import print_lines
from sais.configuration import Configuration
from sais.errors import PrefectUnavailable
from sais.runs import PrefectApi, PrefectSettings
from sais.settings import Settings

log = logging.getLogger("gateway")


def set_up_logs() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for talkative in ("httpx", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    print_lines()


def collect_seldom() -> None:
    """For when everything is imported and made. An answer of a thousand rows makes enough objects for a hundred rounds
    of the garbage collector, which look at all that was imported: a third of a dispatch's CPU."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def configure(settings: Settings, prefect: PrefectSettings) -> Configuration:
    """With the blocks of the Prefect UI; as the environment has it where Prefect cannot be asked."""
    plain = Configuration.from_settings(settings)
    try:
        async with PrefectApi(prefect) as api:
            await api.call("GET", "/health")
    except PrefectUnavailable as error:
        log.warning("configured by the environment alone, without the blocks of the Prefect UI: %s", error)
        return plain
    # Imported only now: it brings Prefect along, two seconds of CPU.
    from prefect.exceptions import PrefectException  # noqa: PLC0415

    from blocks.configuration import load_configuration  # noqa: PLC0415

    try:
        return await load_configuration(settings)
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("configured by the environment alone, the blocks cannot be read: %s", error)
        return plain
