"""Server and client on cores of their own, as on machines of their own."""

import contextlib
import os
from collections.abc import Iterator

_ALL = sorted(os.sched_getaffinity(0))
SERVER = frozenset(_ALL[:1])
CLIENT = frozenset(_ALL[1:]) or SERVER


@contextlib.contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Processes that this thread starts meanwhile run on these cores for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
