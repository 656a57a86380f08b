"""The variants: which network a search has, and how it chooses by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.maml_ablation.linear_targets import LinearMamlSurrogate
from benchmarks.maml_ablation.trainings import (
    TRAININGS,
    continued,
    narrowed,
    one_member,
    trained,
)
from benchmarks.search_cost.methods.altered import AlteredChooser
from suggestion.checkpoint import META_WEIGHTS, Checkpoint
from suggestion.designer import Search
from suggestion.evidence import Evidence
from suggestion.library import Library
from suggestion.maml_search import MamlSearch
from suggestion.posterior import Posterior
from suggestion.search_space import Point
from suggestion.surrogate import Surrogate

SHIPPED = "shipped"
# What the search multiplies learned deviations by.
WIDENING = 1.5


@dataclass(frozen=True)
class Variant:
    """One line of the tables.

    Attributes:
        name: In words, unique.
        training: Of ``TRAININGS``, or ``SHIPPED``.
        delta: Weight of the confidence in Eq. 6.
        takes_largest: Whether the configuration with the largest value of Eq. 6 is chosen;
            otherwise the expected improvement of that value decides.
        change: Made to the trained network.
    """

    name: str
    training: str
    delta: float = 0.2
    takes_largest: bool = False
    change: Callable[[Checkpoint], Checkpoint] | None = None


BASE = Variant("fewer updates", "base")
WHOLE = (
    Variant("as shipped", SHIPPED),
    BASE,
    Variant("fewer updates, another training seed", "other-seed"),
)
UNDONE = (
    Variant("no learned deviation: squared error, largest Eq. 6", "no-deviation", 0.2, True),
    Variant("largest Eq. 6 instead of expected improvement", "base", 0.2, True),
    Variant(
        "deviation as learned, not 1.5 times as wide",
        "base",
        change=partial(narrowed, factor=WIDENING),
    ),
    Variant("delta 0", "base", 0.0),
    Variant("delta 1", "base", 1.0),
    Variant("one network instead of three", "base", change=one_member),
    Variant("values for targets instead of logarithms", "linear"),
    Variant("no gradient steps, the last layer alone", "steps-0"),
    Variant("1 gradient step instead of 3", "steps-1"),
    Variant("6 gradient steps instead of 3", "steps-6"),
    Variant("gradient steps on the context alone", "context"),
    Variant("gradient steps on all but the context", "no-context"),
    Variant("step sizes given instead of learned", "fixed-rates"),
    Variant("rounds that go on from the one before", "base", change=continued),
    Variant("first-order meta-gradients", "first-order"),
    Variant("10 training services instead of thousands", "ten-services"),
)
LETTER = (
    *(Variant(f"letter, delta {d:g}", "letter", d, True) for d in (0.0, 0.5, 2.0)),
    Variant("letter, delta 0.5, values for targets", "letter-linear", 0.5, True),
)
VARIANTS = (*WHOLE, *UNDONE, *LETTER)


@dataclass(frozen=True)
class Optimistic:
    """A surrogate whose mean is Eq. 6, ``f' + delta |f' - f|``; implements ``Surrogate``."""

    surrogate: Surrogate
    delta: float

    def predict(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        """See ``Surrogate.predict``."""
        posterior = self.surrogate.predict(evidence, candidates)
        assert posterior.confidence is not None, "it is the network's"
        return replace(posterior, means=posterior.means + self.delta * posterior.confidence)

    def promise(
        self, evidence: Evidence, candidates: Sequence[Point]
    ) -> NDArray[np.float64] | None:
        """See ``Surrogate.promise``."""
        return self.surrogate.promise(evidence, candidates)


def weights_of(
    variant: Variant,
    num_updates: int,
    folder: Path,
    on_update: Callable[[int], None] = lambda _: None,
) -> Path:
    """The file of a variant's network; trains what is not trained yet. See ``trained``."""
    if variant.training == SHIPPED:
        return META_WEIGHTS
    path = trained(variant.training, num_updates, folder, on_update)
    if variant.change is None:
        return path
    changed = path.with_name(f"{VARIANTS.index(variant)}.npz")
    variant.change(Checkpoint.load(path)).save(changed)
    return changed


def chooser_of(variant: Variant, weights: Path, library: Library) -> AlteredChooser:
    """What the suggestion service makes the variant's searches by.

    Args:
        variant: Whose.
        weights: As of ``weights_of``.
        library: Tells where a service runs, as in the search that ships.
    """
    is_linear = variant.training != SHIPPED and TRAININGS[variant.training].is_linear
    network = LinearMamlSurrogate.load(weights) if is_linear else None

    def altered(search: Search) -> Search:
        surrogate = search.surrogate
        assert isinstance(surrogate, MamlSearch), "the benchmark asks for it"
        if network is not None:
            surrogate = replace(surrogate, network=lambda: network)
        if not variant.takes_largest:
            return replace(search, surrogate=surrogate, exploration_weight=variant.delta)
        # A bound without a deviation is the mean itself.
        return replace(
            search,
            surrogate=Optimistic(surrogate, variant.delta),
            acquisition="ucb",
            exploration_weight=0.0,
        )

    return AlteredChooser(library, altered, weights)
