"""Meta-trainings of the ablation: each is ``meta_training``'s own, with one choice undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.maml_ablation.linear_targets import draw_linear_batch
from benchmarks.search_cost.worlds import OPEN_SOURCE, configurations, open_source_cases, split
from meta_training.plan import BEST, LETTER, Plan
from meta_training.service_grids import ServiceGrid, simulated_grids
from meta_training.tasks import draw_batch
from meta_training.train import train
from suggestion.checkpoint import Checkpoint
from suggestion.knob_features import encode

# As many services as ``morphling-meta-training train`` simulates.
_NUM_PAPER, _NUM_PRODUCTION, _NUM_RANDOM = 8000, 800, 80


@dataclass(frozen=True)
class Training:
    """One meta-training.

    Attributes:
        plan: How to train; the number of updates is the benchmark's.
        seed: Of the first weights and of all tasks.
        has_simulated: Whether tasks come from thousands of simulated services; otherwise from the
            10 training services of the open-source world.
        is_linear: Whether the targets are values instead of their logarithms.
    """

    plan: Plan
    seed: int = 0
    has_simulated: bool = True
    is_linear: bool = False


def _adapting(*names: str) -> Plan:
    return replace(BEST, inner_rates={name: BEST.inner_rates[name] for name in names})


TRAININGS: Mapping[str, Training] = {
    "base": Training(BEST),
    "other-seed": Training(BEST, seed=1),
    "no-deviation": Training(replace(BEST, has_head=False)),
    "linear": Training(BEST, is_linear=True),
    "steps-0": Training(replace(BEST, num_steps=0)),
    "steps-1": Training(replace(BEST, num_steps=1)),
    "steps-6": Training(replace(BEST, num_steps=6)),
    "context": Training(_adapting("context")),
    "no-context": Training(_adapting(*(name for name in BEST.inner_rates if name != "context"))),
    "fixed-rates": Training(replace(BEST, learns_rates=False)),
    "first-order": Training(replace(BEST, first_order=True)),
    "ten-services": Training(BEST, has_simulated=False),
    "letter": Training(LETTER),
    "letter-linear": Training(LETTER, is_linear=True),
}


def trained(
    name: str, num_updates: int, folder: Path, on_update: Callable[[int], None] = lambda _: None
) -> Path:
    """Weights of a training; trains, or goes on with it, where they are not there yet.

    Args:
        name: Of ``TRAININGS``.
        num_updates: Meta-updates.
        folder: Where the weights are kept, a folder a training and number of updates.
        on_update: Called with the number of updates done.

    Returns:
        The file of weights.
    """
    training = TRAININGS[name]
    path = folder / f"{name}-{num_updates}" / "weights.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint, _ = train(
            replace(training.plan, num_updates=num_updates),
            grids_of(training),
            training.seed,
            path.parent,
            on_update,
            draw_linear_batch if training.is_linear else draw_batch,
        )
        checkpoint.save(path)
    return path


def grids_of(training: Training) -> list[ServiceGrid]:
    """Where the tasks of a training are drawn from."""
    return _simulated(training.seed) if training.has_simulated else [ten_services()]


@cache
def _simulated(seed: int) -> list[ServiceGrid]:
    rng = np.random.default_rng([seed, 2])
    return simulated_grids(rng, _NUM_PAPER, _NUM_PRODUCTION, _NUM_RANDOM)


def ten_services() -> ServiceGrid:
    """The training services that fine-tuning and the portfolio have too, on the 720."""
    training, _ = split(open_source_cases(3))
    at = configurations(OPEN_SOURCE)
    rates = np.stack([case.values for case in training])
    return ServiceGrid(at, encode(at).astype(np.float32), rates.astype(np.float32), weight=1.0)


def one_member(checkpoint: Checkpoint) -> Checkpoint:
    """The first network of an ensemble; they are trained apart."""
    first = {name: value[:1] for name, value in checkpoint.parameters.items()}
    return replace(checkpoint, parameters=first)


def continued(checkpoint: Checkpoint) -> Checkpoint:
    """A search goes on from the weights of the round before, as Algorithm 2 has it."""
    return replace(checkpoint, is_continued=True)


def narrowed(checkpoint: Checkpoint, factor: float) -> Checkpoint:
    """All learned deviations divided by a factor; the predictions stay."""
    shift = np.float32(2 * np.log(factor))
    parameters = {
        name: value - shift if name.startswith("head/") and name.endswith("_variance") else value
        for name, value in checkpoint.parameters.items()
    }
    return replace(checkpoint, parameters=parameters)
