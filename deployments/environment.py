"""What every process of an installation is told by its environment."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sais.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
WORK_POOL = "sais"
# As prefect.yaml has them.
BULK_QUEUE = "default"
SWEEPS_QUEUE = "sweeps"

# A task run costs the server 35 to 50 ms with both batch sizes at their default of 1, 9 to 15 ms with these. A batch
# that is not full is written after 5 s, Prefect's default: at 1 and 2 s that was 7 % of what a bulk run costs it.
TUNED_SERVER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    # Only the event feed is read from there; automations see events at once.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "10",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P1D",
    # How often the server looks for what takes minutes: silent or late runs, new schedules, and, though no flow here
    # pauses or holds a lease of Prefect's, pauses and leases.
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT15S",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
    # Without these two the server looks at every block of every installed package at each start: 4 s.
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # The V2 pages call an analytics host from the browser whatever the settings say; these do not.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # The UI would ask port 4200 whatever the port is.
    "PREFECT_UI_API_URL": "/api",
    "DO_NOT_TRACK": "1",
}

TUNED_WORKER = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    # A run's log lines reach the server together, for each time costs it 15 ms: every 10 s, and when the run ends.
    "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "10",
    # Rich takes 0.8 ms for a line that goes through a pipe.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS": "deployments.console.Console",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # The server of `sais up` asks for no token, and each client would ask it for one.
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
}


def embedded_environment(
    settings: Settings, prefect_port: int, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """For every process of `sais up`; what the user has set already stays, but for where this Prefect listens."""
    here = {
        "SAIS_HOME": str(settings.home),
        "SAIS_PROJECT": str(PROJECT),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{prefect_port}/api",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(prefect_port),
        # This Prefect is asked over http, but its client reads all 140 authorities of certifi each time that it is
        # opened, 20 ms, five to ten times a run. This one's key is thrown away: it vouches for nobody.
        "PREFECT_API_SSL_CERT_FILE": str(PROJECT / "deployments" / "no_authority.pem"),
        # `python -m deployments.flow_run` in a work pool's command is the Python of this installation.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
    return {"SAIS_WORK_POOL": WORK_POOL} | TUNED_SERVER | TUNED_WORKER | dict(environment) | here
