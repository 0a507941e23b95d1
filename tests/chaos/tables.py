"""Results as the tables of docs/reliability.md."""

from collections.abc import Sequence

from tests.chaos.scenario import Outcome
from tests.chaos.stack import Stack
from tests.chaos.suite import Torn


def of_run(stack: Stack, seed: int, outcome: Outcome) -> str:
    toll, tally = outcome.toll, outcome.verdict.tally
    kills = ", ".join(f"{what} {toll.struck[what]}" for what in stack.targets if what in toll.struck)
    away = "; ".join(
        f"{what} {toll.struck[what]} times, {seconds:.0f} s in all" for what, seconds in toll.seconds_away.items()
    )
    faults = ", ".join(f"{kind} {number}" for kind, number in sorted(stack.origin.faults_served.items()))
    lines = {
        "stack": stack.name,
        "seed": seed,
        "kill -9": f"{toll.kills(stack)}: {kills}",
        "not there to be killed": ", ".join(f"{what} {number}" for what, number in toll.missed.items()) or "none",
        "away": away,
        "faults of the origin": faults,
        "requests sent again for want of an answer": outcome.unanswered,
        **tally,
        "seconds under fire": f"{outcome.under_fire:.0f}",
        "seconds from the last strike to rest": f"{outcome.to_rest:.0f}",
        "not as it must be": len(outcome.verdict.problems),
    }
    return _table(("what", "how much"), [(name, str(value)) for name, value in lines.items()])


def of_seams(torn: Sequence[Torn]) -> str:
    rows = [
        (
            seam.seam,
            str(seam.passages),
            seam.took_over,
            f"{seam.seconds:.0f}",
            f"no: {len(seam.problems)}" if seam.problems else "yes",
        )
        for seam in torn
    ]
    return _table(("killed", "passages", "what took over", "seconds to rest", "as it must be"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
