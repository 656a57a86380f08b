"""Libraries that know nothing of the family under test.

The library that ships with the service holds the tables of all language models, so that a language
model is searched with one that was built in the same way from the tables of all other families. The
other worlds share no knob grid and no data with those tables: they are searched with what ships.
"""

from functools import cache

from threadpoolctl import threadpool_limits

from meta_training.build_library import build_library
from meta_training.profile_table import shipped_tables
from suggestion.library import SHIPPED, Library

_PREFIX = "llm-without-"
_SEED = 0


def name_without(family: str) -> str:
    """Name of the library that leaves a family of language models out."""
    return _PREFIX + family


def library_named(name: str) -> Library:
    """Loads the shipped library (no name) or builds one that leaves a family out (a second)."""
    if not name:
        return Library.load(SHIPPED)
    if not name.startswith(_PREFIX):
        raise ValueError(f"A library's name must begin with {_PREFIX}, but got {name!r}.")
    family = name.removeprefix(_PREFIX)
    tables = _shipped_tables()
    others = [table for table in tables if table.family != family]
    if len(others) == len(tables):
        raise ValueError(f"A family to leave out must have tables, but {family!r} has none.")
    with threadpool_limits(1, user_api="blas"):  # more threads only wait for each other
        return build_library(_SEED, others)


_shipped_tables = cache(shipped_tables)
