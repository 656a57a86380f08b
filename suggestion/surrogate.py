"""What the designer needs of a model that predicts the objective."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suggestion.evidence import Evidence
from suggestion.posterior import Posterior
from suggestion.search_space import Point

Array = NDArray[np.float64]


class Surrogate(Protocol):
    """A model of the objective over the points of a search space."""

    def predict(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        """Fits the measured points and predicts; pending points are the designer's concern.

        Deterministic: equal arguments give equal results.

        Args:
            evidence: At least one measured point.
            candidates: Points to predict at, m of them.
        """
        ...

    def promise(self, evidence: Evidence, candidates: Sequence[Point]) -> Array | None:
        """How good each candidate looks before anything has been measured, shape ``[m]``.

        None when the surrogate knows nothing yet. Pending points count as chosen already.
        """
        ...
