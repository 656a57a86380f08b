"""What the designer needs of a model that predicts the objective."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Posterior(Protocol):
    """Prediction at m candidates; larger is better, on a scale of the surrogate's own.

    Attributes:
        mean: Expected value, shape ``[m]``.
        sigma: Standard deviation, shape ``[m]``, above 0.
        best: Expected value at the best point measured so far.
    """

    @property
    def mean(self) -> Array: ...

    @property
    def sigma(self) -> Array: ...

    @property
    def best(self) -> float: ...

    def believing(self, index: int) -> "Posterior":
        """The posterior as if the candidate had been measured with its expected value.

        So that a second suggestion looks elsewhere: the mean stays, sigma shrinks around it
        (Ginsbourger et al. 2010, "kriging believer").
        """
        ...


class Surrogate(Protocol):
    """A model of the objective over encoded points."""

    def predict(self, x: Array, y: Array, pending: Array, candidates: Array) -> Posterior:
        """Fits the measured points and predicts at the candidates.

        Args:
            x: Measured points, shape ``[n, d]``, n at least 1.
            y: Their objective, larger is better, shape ``[n]``.
            pending: Points under measurement, shape ``[p, d]``.
            candidates: Points to predict at, shape ``[m, d]``.
        """
        ...
