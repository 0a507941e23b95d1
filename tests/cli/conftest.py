"""A real gateway on a loopback port, in a thread, for commands that speak to one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from gateway.application import create_application
from sais.configuration import Configuration
from sais.demo.loopback import listening_socket
from sais.runs import PrefectSettings
from sais.settings import Settings


@pytest.fixture
def gateway(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Its address, which SAIS_URL names too. SAIS_HOME of the commands is another folder than the gateway's."""
    # Nothing listens on port 9: no run is started, batches wait for the sweep.
    prefect = PrefectSettings(api_url="http://127.0.0.1:9/api")
    application = create_application(Configuration.from_settings(settings), prefect)
    with listening_socket(0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        monkeypatch.setenv("SAIS_URL", url)
        monkeypatch.setenv("SAIS_HOME", str(tmp_path / "elsewhere"))
        yield url
        server.should_exit = True
        thread.join()
