"""A process that is killed at a seam leaves nothing that the next one does not put right."""

import signal

import pytest

from tests.chaos.conftest import Stage

SEAMS = [
    "plan: after commit of batch_for",
    "download: after rename of an original",
    "archive: after rename of an archived file",
    "resize: after settling, webhooks in the outbox, not committed",
    "notify: after a webhook",
]


@pytest.mark.parametrize("seam", SEAMS)
async def test_what_a_killed_process_left_is_made_whole(stage: Stage, seam: str) -> None:
    stage.switch.arm(seam, root="museum")
    assert stage.work() == -signal.SIGKILL
    assert stage.switch.fired_at("museum") is not None
    assert stage.verdict().problems, "killed there, something must be unfinished"
    assert stage.work() == 0
    assert stage.verdict().problems == []


async def test_a_worker_that_dies_of_a_picture_is_replaced_within_the_run(stage: Stage) -> None:
    stage.switch.arm("imaging: before a picture", 2)
    assert stage.work() == 0
    assert stage.switch.fired_at() is not None
    assert stage.verdict().problems == []


async def test_every_step_has_seams_before_and_after_its_commits_and_renames(stage: Stage) -> None:
    assert stage.work() == 0
    passed = stage.switch.passed()
    for step in ("plan", "download", "archive", "resize", "notify"):
        commits = {seam for seam in passed if seam.startswith(f"{step}: ") and "commit" in seam}
        assert len(commits) >= 2, step
        assert {seam.replace("before", "after") for seam in commits} <= passed.keys(), step
    renamed = {seam.partition(" of ")[2] for seam in passed if "rename" in seam}
    assert renamed == {"a download", "an original", "an archived file", "a thumb"}
