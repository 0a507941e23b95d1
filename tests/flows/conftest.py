"""A real origin for the flows."""

from collections.abc import Iterator

import pytest

from tests.support.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin
