"""What a surrogate predicts at the candidates: a weighted mixture of Gaussians.

A Gaussian process is a mixture of one component; a library has one a particle, an ensemble one a
member. Larger values are better, on a scale of the surrogate's own.

Symbols: m candidates, k components, n points conditioned on.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from suggestion.covariance import Kernel

Array = NDArray[np.float64]
_SMALLEST_VARIANCE = 1e-12


class Spread(Protocol):
    """The uncertainty that some components of a mixture share."""

    @property
    def variance(self) -> Array:
        """Shape ``[m]``, above 0."""
        ...

    def believing(self, *indices: int) -> "Spread":
        """The spread if candidates had been measured, whatever the outcomes."""
        ...


@dataclass(frozen=True)
class Conditioned:
    """Spread of a Gaussian process given n points. ``rows`` is L^-1 K(x, candidates), [n, m]."""

    kernel: Kernel
    candidates: Array
    rows: Array
    variance: Array

    @classmethod
    def of(cls, kernel: Kernel, candidates: Array, rows: Array) -> "Conditioned":
        """The spread that is left at the candidates, ``k(x, x) - rows' rows``."""
        variance = np.maximum(kernel.amplitude - (rows**2).sum(axis=0), _SMALLEST_VARIANCE)
        return cls(kernel, candidates, rows, variance)

    def believing(self, *indices: int) -> "Conditioned":
        """More rows of the Cholesky factor; what is factorised stays."""
        chosen = list(indices)
        covariance = self.kernel.between(self.candidates[chosen], self.candidates)
        covariance = covariance - self.rows[:, chosen].T @ self.rows
        block = covariance[:, chosen] + self.kernel.noise * np.eye(len(chosen))
        rows = solve_triangular(np.linalg.cholesky(block), covariance, lower=True)
        return replace(
            self,
            rows=np.concatenate([self.rows, rows]),
            variance=np.maximum(self.variance - (rows**2).sum(axis=0), _SMALLEST_VARIANCE),
        )


@dataclass(frozen=True)
class Shrinking:
    """Spread of a model that cannot be conditioned: a believed point shrinks it around itself.

    By ``1 - correlation^2``, as one exact value would a Gaussian process of that correlation.
    """

    correlation: Kernel
    candidates: Array
    variance: Array

    def believing(self, *indices: int) -> "Shrinking":
        """See ``Spread.believing``."""
        between = self.correlation.between(self.candidates[list(indices)], self.candidates)
        shrunk = self.variance * np.prod(1 - between**2, axis=0)
        return replace(self, variance=np.maximum(shrunk, _SMALLEST_VARIANCE))


@dataclass(frozen=True)
class Posterior:
    """A mixture over the objective at m candidates.

    Attributes:
        means: Expected value of each component, shape ``[k, m]``.
        weights: Shape ``[k]``, sum 1.
        spreads: One a group of components.
        spread_of: Index of each component's spread, ascending, shape ``[k]``.
        runs: Where each component expects the service to run at all, shape ``[k, m]``.
        feasible: Probability that it runs, shape ``[m]``.
        best: What each component expects of the best point measured so far, shape ``[k]``.
        confidence: ``|f' - f|``, how far the newest trial moved each component (Eq. 5 of the
            Morphling paper), shape ``[k, m]``; None where there is no f.
    """

    means: Array
    weights: Array
    spreads: tuple[Spread, ...]
    spread_of: NDArray[np.int64]
    runs: NDArray[np.bool_]
    feasible: Array
    best: Array
    confidence: Array | None = None

    @property
    def mean(self) -> Array:
        """Expected value, shape ``[m]``."""
        return np.asarray(self.weights @ self.means)

    @property
    def sigma(self) -> Array:
        """Standard deviation within and between the components, shape ``[m]``."""
        within = np.zeros(self.means.shape[1])
        for index, spread in enumerate(self.spreads):
            within = within + self.weights[self.spread_of == index].sum() * spread.variance
        return np.asarray(np.sqrt(within + self.weights @ (self.means - self.mean) ** 2))

    def believing(self, *indices: int) -> "Posterior":
        """The posterior as if candidates had come out as each component expects.

        So that a second suggestion looks elsewhere: the mean stays, the spread shrinks around it
        (Ginsbourger et al. 2010, "kriging believer").
        """
        return replace(
            self,
            spreads=tuple(spread.believing(*indices) for spread in self.spreads),
            best=np.maximum(self.best, self.means[:, list(indices)].max(axis=1)),
        )
