"""The two scheduled flows every few seconds instead of every minute, so that a run of these tests is bounded in time.

PREFECT_API_URL=… python -m tests.chaos.sweeper
"""

import asyncio
import logging

from flows.deliver_webhooks import deliver_webhooks
from flows.resume_stalled import resume_stalled

PAUSE_SECONDS = 3.0
log = logging.getLogger(__name__)


async def sweep() -> None:
    """One that fails (the database is away, Prefect is away) is tried again like the next minute's."""
    for flow in (resume_stalled, deliver_webhooks):
        try:
            await flow()
        except Exception as error:
            log.warning("%s: %s", flow.name, error)


async def main() -> None:
    while True:
        await sweep()
        await asyncio.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
