"""The API against its own document: whatever is sent, no 5xx, and no answer that the document does not tell of."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from gateway.application import create_application
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings

CHECKS: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# For each operation, and for each of good and bad data; 300 of each found nothing more.
EXAMPLES = 6
# A head over 64 KB is refused by uvicorn, before the application hears of it.
LONGEST_ADDRESS = 60_000
LONGEST_TROUBLE = 1_500


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. Nothing answers as Prefect, so each dispatch is accepted and waits."""
    own = Settings(home=tmp_path_factory.mktemp("fuzzed"), wait_seconds=0.1, access_log="off", quick_images=10_000)
    application = create_application(Configuration.from_settings(own), PrefectSettings(api_url=None))
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def document(gateway: str) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{gateway}/openapi.json", wait_for_schema=20)


@dataclass(frozen=True)
class Caller:
    """A stranger, or a client that sends its key and, where a good body names an account, its own."""

    root: str = "museum"
    key: str | None = None

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def owns(self, case: Case[Any]) -> None:
        if self.key and isinstance(case.body, dict) and "root" in case.body:
            case.body["root"] = self.root


def new_client(gateway: str, name: str) -> Caller:
    """For each operation: one of them ends the key."""
    root = f"museum-{name}"
    answer = httpx.post(f"{gateway}/account_setup", json={"root": root, "approx": 10}, trust_env=False)
    return Caller(root, str(answer.json()["apiKey"]))


def address_of(case: Case[Any]) -> str:
    sent = case.as_transport_kwargs()
    return requests.Request(sent["method"], sent["url"], params=sent.get("params")).prepare().url or ""


def fuzz(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, caller: Caller) -> None:
    # One connection for all: ephemeral ports are few.
    with requests.Session() as session:
        session.trust_env = False

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case[Any]) -> None:
            if mode == GenerationMode.POSITIVE:
                caller.owns(case)
            assume(len(address_of(case)) < LONGEST_ADDRESS)
            case.validate_response(case.call(session=session, headers=caller.headers()), checks=CHECKS)

        # Nothing bad can be said to an operation that takes nothing.
        with suppress(Unsatisfiable):
            ask()


@pytest.mark.parametrize("with_key", [False, True], ids=["stranger", "client"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=["good", "bad"])
def test_no_answer_outside_the_document(
    gateway: str, document: OpenApiSchema, mode: GenerationMode, with_key: bool
) -> None:
    troubles = []
    for number, found in enumerate(document.get_all_operations()):
        assert isinstance(found, Ok), found
        operation = found.ok()
        try:
            fuzz(operation, mode, new_client(gateway, f"{mode.value}-{number}") if with_key else Caller())
        except Exception as trouble:
            troubles.append(f"{operation.label}: {trouble}"[:LONGEST_TROUBLE])
    assert not troubles, "\n\n".join(troubles)


def test_every_operation_tells_its_problems_and_who_may(document: OpenApiSchema) -> None:
    raw: dict[str, Any] = document.raw_schema
    operations = {(path, method): one for path, methods in raw["paths"].items() for method, one in methods.items()}
    for name, operation in operations.items():
        problem = operation["responses"]["4XX"]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}, name
    assert operations["/batches/{batch_id}", "get"]["security"] == [{"HTTPBearer": []}]
    for path in ("/account_setup", "/dispatch_process", "/account/rotate_key"):
        assert operations[path, "post"]["security"] == [{"HTTPBearer": []}, {}], "the key may be in the body"
    assert "security" not in operations["/media/cache/{preset}/{path}", "get"]
