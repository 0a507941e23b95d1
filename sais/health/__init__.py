"""Whether work that is handed in now would be done, and what is in its way: one judgement for `/status`, the front
page, `/metrics` and `sais doctor`."""

from sais.health.judging import Facts, Health, Waiting, Word, judge
from sais.health.places import LEAST_FREE_BYTES, Place, free_bytes, place_problems, places_of, storage_trouble
from sais.health.pool import PoolState, look_at_pool
from sais.health.problems import Kind, Problem
from sais.health.watching import Watch
from sais.health.work import Work, look_at_work

__all__ = [
    "LEAST_FREE_BYTES",
    "Facts",
    "Health",
    "Kind",
    "Place",
    "PoolState",
    "Problem",
    "Waiting",
    "Watch",
    "Word",
    "Work",
    "free_bytes",
    "judge",
    "look_at_pool",
    "look_at_work",
    "place_problems",
    "places_of",
    "storage_trouble",
]
