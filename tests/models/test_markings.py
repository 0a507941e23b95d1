"""The state machines hold together, and the document made from them is the one in docs/."""

import pytest

from docs.generate import STATES, states
from sais_models.markings import MACHINES, MEDIA, MediaMarking, StateMachine


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.subject)
def test_every_marking_is_explained_and_reached(machine: StateMachine) -> None:
    reached = {machine.initial} | {move.target for move in machine.moves}
    named = reached | {move.source for move in machine.moves}
    assert named <= set(machine.meanings)
    assert set(machine.meanings) - reached <= {"rejected"}, "only a rejected item is born that way"


def test_only_what_is_archived_or_resized_becomes_resized() -> None:
    assert MEDIA.sources(MediaMarking.RESIZED) == (MediaMarking.ARCHIVED, MediaMarking.RESIZED)


def test_the_document_is_the_one_that_the_code_makes() -> None:
    assert STATES.read_text() == states(), "run `make docs`"
