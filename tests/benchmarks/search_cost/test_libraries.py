import numpy as np
import pytest

from benchmarks.search_cost.libraries import library_named, name_without
from benchmarks.search_cost.suites import problems_of


@pytest.fixture(scope="module")
def problems():
    return problems_of("llm/rps").values()


def test_a_family_is_left_out_of_the_library(problems):
    families = [problem.case.family for problem in problems]
    family = families[0]
    library = library_named(name_without(family))
    num_tables = sum(len(group.tables.speed) for group in library.groups)
    # Every service has two tables: with the batch as given, and as an upper bound.
    assert num_tables == 2 * (len(families) - families.count(family))


def test_every_language_model_is_searched_without_its_family(problems):
    for problem in problems:
        assert problem.case.library == name_without(problem.case.family)


@pytest.mark.parametrize("name", ["other", name_without("no such family")])
def test_unknown_libraries_are_refused(name):
    with pytest.raises(ValueError, match="must"):
        library_named(name)


def test_simulated_services_are_there_too(problems):
    library = library_named(name_without(next(iter(problems)).case.family))
    assert np.isfinite(library.simulated).all()
    assert len(library.simulated) > 100
