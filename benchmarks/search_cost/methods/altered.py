"""Our service with one thing altered, to see what that thing is worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.methods.ours import OursSearch, Services
from suggestion.checkpoint import META_WEIGHTS
from suggestion.designer import Search
from suggestion.library import Library
from suggestion.search_space import SearchSpace
from suggestion.settings import Settings
from suggestion.surrogate_choice import Choice, SurrogateChooser
from suggestion.trial import Objective


class AlteredChooser(SurrogateChooser):
    """Makes the searches that ship, then alters them.

    Args:
        library: Prior services.
        alter: From the search that ships to the one that is tried.
        meta_weights: File of the network.
    """

    def __init__(
        self,
        library: Library,
        alter: Callable[[Search], Search],
        meta_weights: Path = META_WEIGHTS,
    ) -> None:
        super().__init__(library, meta_weights)
        self._alter = alter

    def choose(
        self, space: SearchSpace, objective: Objective, settings: Settings, seed: int, budget: int
    ) -> Choice:
        choice = super().choose(space, objective, settings, seed, budget)
        return replace(choice, search=self._alter(choice.search))


class Altered:
    """A search method: our service under given settings, as altered as its services are.

    Args:
        name: In tables.
        services: Where to ask.
        settings: Algorithm settings besides the seed.
    """

    def __init__(self, name: str, services: Services, settings: Mapping[str, str]) -> None:
        self.name = name
        self._services = services
        self._settings = settings

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> OursSearch:  # noqa: ARG002
        settings = {**self._settings, "random_state": str(setup.seed)}
        return OursSearch(self._services.stub(case.library), case, settings, setup)
