from collections.abc import Iterator

import pytest

from sais.client import SaisClient
from sais.demo.loopback import LoopbackServer
from tests.client.stub_gateway import StubGateway


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[StubGateway, str]]:
    """One server for a whole file: each takes a tenth of a second to end."""
    gateway = StubGateway()
    with LoopbackServer(gateway.app) as server:
        yield gateway, server.url
    gateway.workers.shutdown()


@pytest.fixture
def gateway(served: tuple[StubGateway, str]) -> StubGateway:
    served[0].forget()
    return served[0]


@pytest.fixture
def url(served: tuple[StubGateway, str], gateway: StubGateway) -> str:
    return served[1]


@pytest.fixture
def client(url: str) -> Iterator[SaisClient]:
    """Registered as `museum`."""
    with SaisClient(url, trust_env=False) as client:
        client.register("museum", 100)
        yield client
