"""How to meta-train: the paper's algorithm to the letter, and the best form of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_LAYERS = ("in", "hidden", "out")


def _equal_rates(rate: float) -> dict[str, float]:
    return {f"{kind}_{layer}": rate for layer in _LAYERS for kind in ("kernel", "bias")}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Settings of one meta-training.

    Attributes:
        num_members: Networks that are trained apart and predict together.
        num_tasks: Tasks of each member in a meta-update.
        num_updates: Meta-updates.
        learning_rate: Largest beta of Eq. 4; it falls to 0 as half a cosine.
        num_steps: Updates of the inner loop.
        inner_rates: First alpha of Eq. 3, by weight.
        learns_rates: Whether alpha is learned, one for each single weight (Meta-SGD).
        has_head: Whether the last layer is Bayesian and gives a sigma.
        is_continued: Whether a search goes on from the weights of the round before; otherwise
            each round starts at the meta-weights.
        first_order: Leave out the second derivatives.
    """

    num_members: int = 3
    num_tasks: int = 12
    num_updates: int = 4500
    learning_rate: float = 1e-3
    num_steps: int = 3
    inner_rates: Mapping[str, float] = field(
        default_factory=lambda: {
            "context": 0.1,
            "kernel_in": 0.003,
            "bias_in": 0.01,
            "kernel_hidden": 0.003,
            "bias_hidden": 0.01,
            "kernel_out": 0.01,
        }
    )
    learns_rates: bool = True
    has_head: bool = True
    is_continued: bool = False
    first_order: bool = False


BEST = Plan()
# Algorithms 1 and 2 as printed: one network, one alpha, one step a round, nothing besides |f - f'|.
LETTER = Plan(
    num_members=1,
    num_tasks=36,
    num_steps=1,
    inner_rates=_equal_rates(0.01),
    learns_rates=False,
    has_head=False,
    is_continued=True,
)
