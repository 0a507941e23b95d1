"""The pace of re-thumbnailing, and the minutes that a plan tells."""

import pytest

from sais.rethumbing.pace import Pace
from sais.rethumbing.rates import Estimate, Measured, estimate

FREE = Measured(images=600, seconds=60, limit=None)
LIMITED = Measured(images=300, seconds=60, limit=5)


def test_images_begin_evenly_and_never_sooner() -> None:
    pace = Pace(4)
    assert [pace.take(100.0) for _ in range(3)] == [0.0, 0.25, 0.5]
    assert pace.take(107.0) == 0.0, "what was not used is not made up for"
    assert pace.take(107.0) == 0.25


def test_without_a_rate_nobody_waits() -> None:
    assert {Pace(None).take(float(now)) for now in range(3)} == {0.0}


@pytest.mark.parametrize(
    ("earlier", "limit", "minutes", "bound"),
    [
        ([], None, None, ""),
        ([], 25, None, ""),
        ([FREE], None, 10.0, "about"),
        ([FREE], 1, 100.0, "about"),
        ([FREE, LIMITED], None, 10.0, "about"),
        ([LIMITED], None, 20.0, "at most"),
        ([LIMITED], 5, 20.0, "about"),
    ],
)
def test_minutes_are_what_was_measured(
    earlier: list[Measured], limit: float | None, minutes: float | None, bound: str
) -> None:
    found = estimate(6_000, earlier, limit)
    assert (found.minutes, found.bound) == (minutes, bound)


def test_nothing_measured_is_said() -> None:
    assert "unknown" in str(Estimate(None, "", 0))
