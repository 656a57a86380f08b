"""Settings: every rule and, for Katib's five, the text that Katib's own tests compare."""

import pytest

from suggestion.errors import InvalidExperimentError
from suggestion.prices import Prices
from suggestion.settings import Settings, parse_settings


def test_defaults():
    assert parse_settings("morphling", {}) == Settings(
        surrogate="auto",
        acquisition="auto",
        exploration_weight=None,
        initial_points="auto",
        random_state=0,
        knobs=(),
        prices=None,
    )


def test_every_setting_of_the_built_in_is_taken():
    found = parse_settings(
        "bayesianoptimization",
        {
            "base_estimator": "RF",
            "n_initial_points": "5",
            "acq_func": "LCB",
            "acq_optimizer": "lbfgs",
            "random_state": "10",
        },
    )
    assert found == Settings(acquisition="ucb", initial_points="5", random_state=10)


def test_ours_go_before_the_built_ins():
    found = parse_settings(
        "morphling",
        {
            "acq_func": "LCB",
            "acquisition": "expected_improvement",
            "n_initial_points": "5",
            "initial_points": "corners",
            "exploration_weight": "2.5",
        },
    )
    assert found == Settings(
        acquisition="expected_improvement", initial_points="corners", exploration_weight=2.5
    )


def test_knobs_and_prices():
    found = parse_settings(
        "morphling",
        {
            "knobs": "c=cpu_cores, m = gpu_memory_percent",
            "price_base": "0.2",
            "price_per_core": "0.02",
            "price_gpu_memory": "T4:0.4,V100:2.6",
            "price_gpu_time": "0.1",
        },
    )
    assert found.knobs == (("c", "cpu_cores"), ("m", "gpu_memory_percent"))
    assert found.prices == Prices(
        base=0.2, per_core=0.02, gpu_memory={"T4": 0.4, "V100": 2.6}, gpu_time={"": 0.1}
    )


def test_prices_of_zero_are_none():
    assert parse_settings("morphling", {"price_base": "0", "price_gpu": "0"}).prices is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        # pkg/suggestion/v1beta1/skopt/service.py in Katib, literally.
        ("base_estimator", "SVM", "base_estimator SVM is not supported in Bayesian optimization"),
        ("acq_func", "XX", "acq_func XX is not supported in Bayesian optimization"),
        ("acq_optimizer", "XX", "acq_optimizer XX is not supported in Bayesian optimization"),
        ("n_initial_points", "-1", "n_initial_points should be great or equal than zero"),
        ("random_state", "-1", "random_state should be great or equal than zero"),
        ("unknown_conf", "1", "unknown setting unknown_conf for algorithm morphling"),
        (
            "n_initial_points",
            "a",
            "failed to validate n_initial_points(a): invalid literal for int() with base 10: 'a'",
        ),
        # Ours.
        ("surrogate", "tree", "surrogate must be one of auto, library, maml, gp, but got 'tree'."),
        (
            "acquisition",
            "luck",
            "acquisition must be one of auto, expected_improvement, confidence_delta, ucb, "
            "but got 'luck'.",
        ),
        (
            "exploration_weight",
            "nan",
            "exploration_weight must be 0 or a number from 1e-09 to 1e+09, but got 'nan'.",
        ),
        (
            "initial_points",
            "-3",
            "initial_points must be auto, none, corners or a whole number of at least 0, "
            "but got '-3'.",
        ),
        (
            "knobs",
            "cpu",
            "knobs must be a list such as cpu=cpu_cores,gpuMem=gpu_memory_percent, "
            "each parameter once, but got 'cpu'.",
        ),
        ("price_base", "-1", "price_base must be 0 or a number from 1e-09 to 1e+09, but got '-1'."),
        ("price_gpu", "T4:x", "price_gpu must be 0 or a number from 1e-09 to 1e+09, but got 'x'."),
        (
            "price_gpu",
            ":1",
            "price_gpu must be a price or a list such as T4:0.4,V100:2.6, but got ':1'.",
        ),
    ],
)
def test_messages(name: str, value: str, message: str):
    with pytest.raises(InvalidExperimentError) as caught:
        parse_settings("morphling", {name: value})
    assert str(caught.value) == message


def test_unknown_algorithm():
    with pytest.raises(InvalidExperimentError, match=r"^unknown algorithm name tpe$"):
        parse_settings("tpe", {})
