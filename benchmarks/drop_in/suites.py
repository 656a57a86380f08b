"""The split: functions to measure with, and others to develop with, drawn before any result.

All choices of our search were made on ``DEVELOPMENT``, whose functions and instances are others.
"""

from benchmarks.drop_in.problem import Kind, Problem, continuous, mixed

_SMALL: tuple[Kind, ...] = ("double", "int", "categorical", "discrete")
_LARGE: tuple[Kind, ...] = ("double", "double", "int", "int", "discrete", "categorical")

TEST = (
    continuous(3, 2),  # Rastrigin, separable
    continuous(8, 3),  # Rosenbrock
    continuous(6, 5),  # attractive sector
    continuous(15, 5),  # Rastrigin
    continuous(14, 10),  # sum of different powers
    mixed(10, _SMALL),  # ellipsoid
    mixed(20, _SMALL),  # Schwefel
    mixed(8, _LARGE),  # Rosenbrock
    mixed(15, _LARGE),  # Rastrigin
)
DEVELOPMENT = (
    continuous(4, 2),  # Bueche-Rastrigin, separable
    continuous(21, 2),  # Gallagher's 101 peaks
    continuous(9, 3),  # Rosenbrock, turned
    continuous(1, 5),  # sphere
    continuous(13, 5),  # sharp ridge
    continuous(12, 10),  # bent cigar
    continuous(18, 10),  # Schaffer's F7, ill-conditioned
    mixed(2, _SMALL),  # ellipsoid, separable
    mixed(7, _SMALL),  # step ellipsoid
    mixed(9, _LARGE),  # Rosenbrock, turned
    mixed(4, _LARGE),  # Bueche-Rastrigin, separable
    mixed(1, _LARGE),  # sphere
)
# Five at a time, as with parallelTrialCount 5.
PARALLEL = (continuous(6, 5), mixed(8, _LARGE))
SUITES = {"test": TEST, "development": DEVELOPMENT}
# Instances are numbered from 1; the two suites share none.
FIRST_INSTANCE = {"test": 1, "development": 101}


def problem_named(name: str) -> Problem:
    """A problem of either suite by its name."""
    return next(p for suite in SUITES.values() for p in suite if p.name == name)
