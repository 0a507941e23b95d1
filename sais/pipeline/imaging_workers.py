"""The workers that make thumbs."""

from concurrent.futures import Executor, ThreadPoolExecutor


def imaging_workers(count: int) -> Executor:
    """`count` of them. Pillow lets go of the GIL while it works on pixels."""
    return ThreadPoolExecutor(count, thread_name_prefix="imaging")
