"""verify_webhook believes nothing that the account's secret did not sign lately."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sais.client import verify_webhook
from sais.errors import InputError
from tests.client.stub_gateway import new_secret, signed_headers

SECRET = new_secret()
BODY = json.dumps({"code": "b53470c4d6e0576d", "marking": "resized"})


def test_a_signed_webhook_is_its_payload() -> None:
    payload = verify_webhook(BODY.encode(), signed_headers(SECRET, BODY), SECRET)
    assert payload == {"code": "b53470c4d6e0576d", "marking": "resized"}


def test_header_names_in_any_case() -> None:
    headers = {name.title(): value for name, value in signed_headers(SECRET, BODY).items()}
    assert verify_webhook(BODY.encode(), headers, SECRET)["marking"] == "resized"


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(InputError, match="No matching signature"):
        verify_webhook(BODY.replace("resized", "failed").encode(), signed_headers(SECRET, BODY), SECRET)


def test_another_secret_is_refused() -> None:
    with pytest.raises(InputError, match="No matching signature"):
        verify_webhook(BODY.encode(), signed_headers(new_secret(), BODY), SECRET)


def test_an_old_webhook_is_refused() -> None:
    old = signed_headers(SECRET, BODY, datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(InputError, match="too old"):
        verify_webhook(BODY.encode(), old, SECRET)


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,AAAA", "v2,AAAA", "v1,a,b", "v1,*"])
def test_a_malformed_signature_is_refused(signature: str) -> None:
    headers = signed_headers(SECRET, BODY) | {"webhook-signature": signature}
    with pytest.raises(InputError, match="webhook refused"):
        verify_webhook(BODY.encode(), headers, SECRET)


def test_no_headers_and_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="Missing"):
        verify_webhook(BODY.encode(), {}, SECRET)
    with pytest.raises(InputError, match="webhook refused"):
        verify_webhook(b"\xff\xfe", signed_headers(SECRET, BODY), SECRET)


@pytest.mark.parametrize("body", ["[1]", "null", "not json"])
def test_a_signed_body_of_another_kind_is_refused(body: str) -> None:
    with pytest.raises(InputError, match="webhook refused"):
        verify_webhook(body.encode(), signed_headers(SECRET, body), SECRET)
