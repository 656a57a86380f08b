"""Picks the surrogate of an Experiment by its settings and knobs, and says why."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suggestion import simulated_particles
from suggestion.checkpoint import META_WEIGHTS
from suggestion.designer import Search
from suggestion.errors import ArtifactError, InvalidExperimentError
from suggestion.gaussian_process import GaussianProcess
from suggestion.knob_values import columns_of
from suggestion.knobs import GPU_TYPE, QUANTITIES, plain, recognise
from suggestion.library import Library
from suggestion.library_surrogate import LibrarySurrogate
from suggestion.maml_search import MamlSearch
from suggestion.network_loader import NetworkLoader
from suggestion.particles import Particles, particles_for
from suggestion.search_space import SearchSpace
from suggestion.settings import Settings
from suggestion.surrogate import Surrogate
from suggestion.trial import Direction, Objective

# Katib runs a service for each Experiment; tens of MiB a space.
_NUM_CACHED = 2
# delta of Eq. 6 for the confidence |f' - f|, and the weight of a standard deviation.
_WEIGHTS = {"confidence_delta": 0.2, "ucb": 1.8, "expected_improvement": 0.0}
_RATES = ("rps", "qps", "throughput", "goodput", "requestspersecond", "requestrate")
_PRICED = ("dollar", "usd", "price", "cost")
# What training maximises, with knobs that may look like those of serving: batch size, type of GPU.
_NO_RATES = ("accuracy", "auc", "f1", "precision", "recall", "score", "reward", "loss", "bleu")


@dataclass(frozen=True)
class Choice:
    """A search, and why its surrogate was taken."""

    search: Search
    reason: str


class SurrogateChooser:
    """Makes surrogates; keeps the particles of the latest spaces, which cost a second to make.

    Args:
        library: Prior services.
        meta_weights: File of the network; read when ``maml`` is asked for, as that takes TensorFlow
            and seconds.
        default: Surrogate of Experiments that do not choose one.
    """

    def __init__(
        self, library: Library, meta_weights: Path = META_WEIGHTS, default: str = "auto"
    ) -> None:
        self._library = library
        self._network = NetworkLoader(meta_weights)
        self._default = default
        self._cached: OrderedDict[tuple[object, ...], Particles | None] = OrderedDict()
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Loads what the default surrogate needs, so that no request waits for it.

        Raises:
            ArtifactError: the meta-weights are unusable, or TensorFlow is not installed.
        """
        if self._default == "maml":
            self._network()

    def choose(
        self, space: SearchSpace, objective: Objective, settings: Settings, seed: int, budget: int
    ) -> Choice:
        """Picks and makes the surrogate.

        Args:
            space: What to search.
            objective: Its name tells whether prices are in it; minimising rules the library out.
            settings: How to search.
            seed: Equal for all requests of an Experiment.
            budget: maxTrialCount; 0 when unlimited.

        Raises:
            InvalidExperimentError: the settings ask for a surrogate that cannot search the space.
        """
        surrogate, name, reason = self._surrogate(space, objective, settings)
        acquisition, initial_points = settings.acquisition, settings.initial_points
        if acquisition == "auto":
            acquisition = "confidence_delta" if name == "maml" else "expected_improvement"
        if acquisition == "confidence_delta" and name != "maml":
            raise InvalidExperimentError(
                "acquisition confidence_delta must come with surrogate maml, whose confidence it "
                f"is (Eq. 5 of the Morphling paper), but the surrogate is {name}."
            )
        if initial_points == "auto":
            initial_points = {"library": "none", "maml": "corners"}.get(name, "auto")
        weight = settings.exploration_weight
        search = Search(
            space=space,
            surrogate=surrogate,
            name=name,
            acquisition=acquisition,
            exploration_weight=_WEIGHTS[acquisition] if weight is None else weight,
            initial_points=initial_points,
            seed=seed,
            budget=budget,
        )
        return Choice(search, reason)

    def _surrogate(
        self, space: SearchSpace, objective: Objective, settings: Settings
    ) -> tuple[Surrogate, str, str]:
        asked = self._default if settings.surrogate == "auto" else settings.surrogate
        plain_surrogate = GaussianProcess(space)
        if asked == "gp":
            return plain_surrogate, "gp", "asked for"
        is_open = settings.surrogate == "auto"
        names = [parameter.name for parameter in space.parameters]
        knobs = self._knobs(space, names, dict(settings.knobs))
        particles, reason = None, "the library holds rates, which are maximised"
        if is_open and _kind(objective.metric_name) == "no_rate":
            reason = f"the library holds rates, and {objective.metric_name} is none"
        elif objective.direction is Direction.MAXIMIZE:
            particles = self._particles(space, knobs, objective, settings)
            reason = "the library knows too few of the parameters"
            if asked == "maml" and simulated_particles.knows(columns_of(space, knobs, [])):
                prior = LibrarySurrogate(particles) if particles else plain_surrogate
                return self._maml(space, knobs, prior), "maml", "asked for"
            if particles is not None and (asked != "maml" or is_open):
                return LibrarySurrogate(particles), "library", particles.description
        if not is_open:
            raise InvalidExperimentError(
                f"surrogate {asked} must have a maximised rate and knobs that it knows "
                f"({', '.join(simulated_particles.KNOBS)} or those of a profile table), but the "
                f"objective is {objective.direction.value}d and the parameters are {names}."
            )
        return plain_surrogate, "gp", reason

    def _knobs(
        self, space: SearchSpace, names: Sequence[str], told: Mapping[str, str]
    ) -> dict[str, str]:
        """Knob to parameter; refuses to be told what cannot be."""
        in_tables = (knob for group in self._library.groups for knob in group.knobs)
        known = dict.fromkeys([GPU_TYPE, *QUANTITIES, *in_tables])
        for knob in told.values():
            # Other names of a knob would do, but for the unit that some of them have.
            if plain(knob) not in map(plain, known):
                raise InvalidExperimentError(
                    f"knobs must be some of {', '.join(known)}, but got {knob!r}."
                )
        knobs = recognise(names, told)
        columns = columns_of(space, knobs, [])
        for knob, name in knobs.items():
            if name in told and knob not in columns:
                raise InvalidExperimentError(
                    f"Values of {knob} must be numbers above 0 in one of its units, "
                    f"but those of {name!r} are not."
                )
        return knobs

    def _maml(
        self, space: SearchSpace, knobs: Mapping[str, str], feasibility: Surrogate
    ) -> MamlSearch:
        try:
            self._network.prepare()
        except ArtifactError as error:
            # At creation already, when Katib reports it: later it would only try again, for ever.
            raise InvalidExperimentError(
                f"surrogate maml must have a network that can be loaded, but: {error}"
            ) from error
        return MamlSearch(space, knobs, self._network, feasibility)

    def _particles(
        self,
        space: SearchSpace,
        knobs: Mapping[str, str],
        objective: Objective,
        settings: Settings,
    ) -> Particles | None:
        kind = _kind(objective.metric_name)
        key = (space, settings.knobs, repr(settings.prices), kind)
        with self._lock:
            if key not in self._cached:
                self._cached[key] = particles_for(
                    self._library, space, knobs, settings.prices, kind
                )
                while len(self._cached) > _NUM_CACHED:
                    self._cached.popitem(last=False)
            self._cached.move_to_end(key)
            return self._cached[key]


def _kind(metric_name: str) -> str:
    """Whether an objective is a rate, a rate per price or neither, as far as its name tells."""
    name = plain(metric_name)
    if any(word in name for word in _PRICED):
        return "per_price"
    if name.endswith(_RATES):
        return "rate"
    return "no_rate" if any(word in name for word in _NO_RATES) else "unknown"
