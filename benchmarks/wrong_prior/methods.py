"""The searches under comparison, all of them our service's."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.methods.altered import Altered, AlteredChooser
from benchmarks.search_cost.methods.ours import Services
from suggestion.designer import Search
from suggestion.library_surrogate import LibrarySurrogate
from suggestion.posterior import Posterior

LIBRARY, CREDULOUS, GP, AUTO = "library", "library without the sceptic", "gp", "auto"
_SETTINGS: Mapping[str, Mapping[str, str]] = {
    LIBRARY: {"surrogate": "library"},
    CREDULOUS: {"surrogate": "library"},
    GP: {"surrogate": "gp"},
    AUTO: {},
}


class CredulousSurrogate(LibrarySurrogate):
    """The library surrogate without the plain Gaussian process among its components."""

    def _with_sceptic(
        self,
        mixture: Posterior,
        log_evidence: float,  # noqa: ARG002
        x: NDArray[np.float64],  # noqa: ARG002
        y: NDArray[np.float64],  # noqa: ARG002
        at: NDArray[np.float64],  # noqa: ARG002
    ) -> Posterior:
        return mixture


def without_sceptic(search: Search) -> Search:
    """The same search with the library alone."""
    assert isinstance(search.surrogate, LibrarySurrogate), "the benchmark asks for it"
    return replace(search, surrogate=CredulousSurrogate(search.surrogate.particles))


class Methods:
    """The methods by name; their servers live as long as this context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Mapping[str, Altered]:
        plain = self._stack.enter_context(Services())
        credulous = self._stack.enter_context(
            Services(lambda library: AlteredChooser(library, without_sceptic))
        )
        return {
            name: Altered(name, credulous if name == CREDULOUS else plain, settings)
            for name, settings in _SETTINGS.items()
        }

    def __exit__(self, *_: object) -> None:
        self._stack.close()
