"""Algorithm settings: one table of names, rules and defaults, which parses and validates.

The first five are those of Katib's ``bayesianoptimization``, with its rules and its error texts
(pkg/suggestion/v1beta1/skopt/service.py), so that an Experiment moves over by its algorithm name
alone. Of these ``n_initial_points`` and ``random_state`` mean the same here, ``acq_func`` LCB
chooses the upper confidence bound; the others name choices of scikit-optimize that have no
counterpart and change nothing.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from suggestion.errors import InvalidExperimentError

ALGORITHM_NAMES = ("morphling", "bayesianoptimization")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to search.

    Attributes:
        surrogate: Which model predicts; ``gp``.
        acquisition: ``expected_improvement`` or ``ucb``.
        exploration_weight: Weight of the uncertainty in ``ucb``.
        initial_points: ``auto``, ``none``, ``corners`` or how many space-filling points come
            before the surrogate has a say.
        random_state: Seed; 0 when unset.
    """

    surrogate: str = "gp"
    acquisition: str = "expected_improvement"
    exploration_weight: float = 1.8
    initial_points: str = "auto"
    random_state: int = 0


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in choices:
            known = ", ".join(choices)
            raise InvalidExperimentError(f"{name} must be one of {known}, but got {text!r}.")
        return text

    return parse


def _skopt_choice(*choices: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in choices:
            raise InvalidExperimentError(f"{name} {text} is not supported in Bayesian optimization")
        return text

    return parse


def _natural(name: str, text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise InvalidExperimentError(f"failed to validate {name}({text}): {error}") from None
    if value < 0:
        raise InvalidExperimentError(f"{name} should be great or equal than zero")
    return value


def _weight(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise InvalidExperimentError(f"{name} must be a number of at least 0, but got {text!r}.")
    return value


def _initial_points(name: str, text: str) -> str:
    if text in ("none", "corners") or (text.isascii() and text.isdigit() and len(text) < 7):
        return text
    raise InvalidExperimentError(
        f"{name} must be none, corners or a whole number of at least 0, but got {text!r}."
    )


_TABLE: dict[str, Callable[[str, str], Any]] = {
    "base_estimator": _skopt_choice("GP", "RF", "ET", "GBRT"),
    "n_initial_points": _natural,
    "acq_func": _skopt_choice("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"),
    "acq_optimizer": _skopt_choice("auto", "sampling", "lbfgs"),
    "random_state": _natural,
    "surrogate": _one_of("gp"),
    "acquisition": _one_of("expected_improvement", "ucb"),
    "exploration_weight": _weight,
    "initial_points": _initial_points,
}


def parse_settings(algorithm_name: str, texts: Mapping[str, str]) -> Settings:
    """Parses and validates the settings of an algorithm.

    Args:
        algorithm_name: One of ``ALGORITHM_NAMES``; echoed in messages.
        texts: Setting name to text.

    Raises:
        InvalidExperimentError: an unknown algorithm or setting, or a value that breaks its rule.
    """
    if algorithm_name not in ALGORITHM_NAMES:
        raise InvalidExperimentError(f"unknown algorithm name {algorithm_name}")
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in _TABLE:
            raise InvalidExperimentError(f"unknown setting {name} for algorithm {algorithm_name}")
        values[name] = _TABLE[name](name, text)
    if "initial_points" not in values and "n_initial_points" in values:
        values["initial_points"] = str(values["n_initial_points"])
    if "acquisition" not in values and values.get("acq_func") == "LCB":
        values["acquisition"] = "ucb"
    ours = Settings.__dataclass_fields__
    return Settings(**{name: value for name, value in values.items() if name in ours})
