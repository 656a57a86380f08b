"""Algorithm settings: one table of names, rules and defaults, which parses and validates.

The first five are those of Katib's ``bayesianoptimization``, with its rules and its error texts
(pkg/suggestion/v1beta1/skopt/service.py), so that an Experiment moves over by its algorithm name
alone. Of these ``n_initial_points`` and ``random_state`` mean the same here, ``acq_func`` LCB
chooses the upper confidence bound; the others name choices of scikit-optimize that have no
counterpart and change nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from suggestion.errors import InvalidExperimentError
from suggestion.prices import Prices, parse_amount, parse_gpu_price

ALGORITHM_NAMES = ("morphling", "bayesianoptimization")
SURROGATES = ("auto", "library", "maml", "gp")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to search.

    Attributes:
        surrogate: Which model predicts: ``library``, ``maml`` or ``gp``; ``auto`` takes the library
            where it knows the knobs, else ``gp``.
        acquisition: ``expected_improvement``, ``confidence_delta`` or ``ucb``; ``auto`` is the
            surrogate's own: ``confidence_delta`` of ``maml``, else ``expected_improvement``.
        exploration_weight: Weight of the uncertainty in ``ucb``, and delta of Eq. 6 of the
            Morphling paper in ``confidence_delta``; None for the acquisition's own.
        initial_points: ``none``, ``corners`` or how many space-filling points come before the
            surrogate has a say; ``auto`` is the surrogate's own.
        random_state: Seed; 0 when unset.
        knobs: Parameter name to canonical knob, where the name alone does not tell.
        prices: What the objective, a rate, was divided by; None when unknown.
        prior_observations: What was measured before the Experiment, as CSV; empty for nothing.
        prior_observations_file: Path of a CSV file with such; empty for none.
    """

    surrogate: str = "auto"
    acquisition: str = "auto"
    exploration_weight: float | None = None
    initial_points: str = "auto"
    random_state: int = 0
    knobs: tuple[tuple[str, str], ...] = ()
    prices: Prices | None = None
    prior_observations: str = ""
    prior_observations_file: str = ""


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


def _text(name: str, text: str) -> str:
    if not text.strip():
        raise InvalidExperimentError(f"{name} must not be empty, but is.")
    return text


def _initial_points(name: str, text: str) -> str:
    if text in ("auto", "none", "corners") or (text.isascii() and text.isdigit() and len(text) < 7):
        return text
    raise InvalidExperimentError(
        f"{name} must be auto, none, corners or a whole number of at least 0, but got {text!r}."
    )


def _knobs(name: str, text: str) -> tuple[tuple[str, str], ...]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    told = tuple((parameter.strip(), knob.strip()) for parameter, _, knob in pairs)
    names = [parameter for parameter, _ in told]
    if not all(parameter and knob for parameter, knob in told) or len(set(names)) < len(names):
        raise InvalidExperimentError(
            f"{name} must be a list such as cpu=cpu_cores,gpuMem=gpu_memory_percent, "
            f"each parameter once, but got {text!r}."
        )
    return told


_PRICES: dict[str, Callable[[str, str], Any]] = {
    "price_base": parse_amount,
    "price_per_core": parse_amount,
    "price_gpu": parse_gpu_price,
    "price_gpu_memory": parse_gpu_price,
    "price_gpu_time": parse_gpu_price,
}
_TABLE: dict[str, Callable[[str, str], Any]] = {
    "base_estimator": _skopt_choice("GP", "RF", "ET", "GBRT"),
    "n_initial_points": _natural,
    "acq_func": _skopt_choice("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"),
    "acq_optimizer": _skopt_choice("auto", "sampling", "lbfgs"),
    "random_state": _natural,
    "surrogate": _one_of(*SURROGATES),
    "acquisition": _one_of("auto", "expected_improvement", "confidence_delta", "ucb"),
    "exploration_weight": parse_amount,
    "initial_points": _initial_points,
    "knobs": _knobs,
    "prior_observations": _text,
    "prior_observations_file": _text,
    **_PRICES,
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
    given = {name.removeprefix("price_"): values[name] for name in _PRICES if name in values}
    values["prices"] = _prices(given)
    ours = Settings.__dataclass_fields__
    return Settings(**{name: value for name, value in values.items() if name in ours})


def _prices(given: Mapping[str, Any]) -> Prices | None:
    """The prices; None when all of them are 0 or absent."""
    amounts = (list(v.values()) if isinstance(v, Mapping) else [v] for v in given.values())
    return Prices(**given) if any(map(any, amounts)) else None
