"""The origin's faults are a matter of the seed alone, and pass."""

from tests.chaos.supply import FAULTS, MISSING, MOST_FAULTS, Faults, picture

NUMBERS = range(5_000)


def test_the_same_seed_gives_the_same_faults() -> None:
    one, again, other = Faults(1), Faults(1), Faults(2)
    faults = [one.of(number, 1) for number in NUMBERS]
    assert faults == [again.of(number, 1) for number in NUMBERS]
    assert faults != [other.of(number, 1) for number in NUMBERS]


def test_faults_have_their_shares_and_do_not_last() -> None:
    faults = Faults(7)
    first = [faults.of(number, 1) for number in NUMBERS]
    for fault, share in FAULTS.items():
        assert abs(first.count(fault) / len(NUMBERS) - share) < 0.015
    assert abs(sum(map(faults.is_missing, NUMBERS)) / len(NUMBERS) - MISSING) < 0.015
    assert {faults.of(number, MOST_FAULTS + 1) for number in NUMBERS} == {None}


def test_no_two_pictures_are_alike_and_each_is_always_the_same() -> None:
    pictures = [picture(number) for number in range(100)]
    assert len(set(pictures)) == 100
    picture.cache_clear()
    assert pictures == [picture(number) for number in range(100)]
