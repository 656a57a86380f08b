import numpy as np
import pytest

from benchmarks.drop_in.problem import Instance, mixed
from benchmarks.drop_in.suites import DEVELOPMENT, FIRST_INSTANCE, PARALLEL, TEST, problem_named
from protos.katib import api_pb2

ALL_KINDS = mixed(1, ["double", "int", "discrete", "categorical"])


def best_of(instance: Instance) -> dict[str, str]:
    """The optimum of the sphere, parameter by parameter."""
    optimum = instance._function.optimum.x
    best = {"x0": repr(float(optimum[0]))}
    rest = {name: texts for name, texts in levels(instance).items() if name != "x0"}
    for name, texts in rest.items():
        others = {n: t[0] for n, t in rest.items() if n != name}
        best[name] = min(texts, key=lambda t: instance.value({**best, **others, name: t}))
    return best


def levels(instance: Instance) -> dict[str, list[str]]:
    return {name: instance.levels(i) for i, name in enumerate(instance.names) if i > 0}


@pytest.mark.parametrize("number", [1, 2, 7])
def test_the_optimum_is_a_configuration(number: int):
    instance = ALL_KINDS.instance(number)
    assert instance.value(best_of(instance)) == pytest.approx(instance.optimum, abs=1e-9)


def test_instances_differ_and_repeat_themselves():
    first, again, other = (ALL_KINDS.instance(n) for n in (1, 1, 2))
    point = first.random(np.random.default_rng(0))
    assert first.value(point) == again.value(point)
    assert best_of(first) != best_of(other)
    assert first.levels(3) != other.levels(3) or first.levels(3) != sorted(first.levels(3))


def test_katib_sees_all_types_and_no_order_of_the_choices():
    specs = ALL_KINDS.instance(3).parameter_specs()
    assert [spec.parameter_type for spec in specs] == [
        api_pb2.DOUBLE, api_pb2.INT, api_pb2.DISCRETE, api_pb2.CATEGORICAL,
    ]  # fmt: skip
    assert (specs[0].feasible_space.min, specs[0].feasible_space.max) == ("-5.0", "5.0")
    assert list(specs[2].feasible_space.list) == ["1", "2", "4", "8", "16", "32"]
    assert list(specs[3].feasible_space.list) == [f"choice-{n}" for n in range(4)]


def test_random_configurations_lie_in_the_space():
    instance = ALL_KINDS.instance(1)
    for _ in range(20):
        point = instance.random(np.random.default_rng())
        assert abs(float(point["x0"])) <= 5
        assert all(point[name] in texts for name, texts in levels(instance).items())
    assert instance.typical_regret > 0


def test_the_split_shares_no_function_and_no_instance():
    def functions(suite):
        return {(p.function, len(set(p.kinds)) > 1) for p in suite}

    assert not functions(TEST) & functions(DEVELOPMENT)
    assert FIRST_INSTANCE["development"] > FIRST_INSTANCE["test"] + 10
    assert set(PARALLEL) <= set(TEST)
    names = [problem.name for problem in (*TEST, *DEVELOPMENT)]
    assert len(set(names)) == len(names)
    assert all(problem_named(problem.name) == problem for problem in TEST)
