"""The covariance function that the Gaussian processes share: Matern 5/2, a length scale a knob."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]
ROOT5 = math.sqrt(5)


def matern52(squared_distance: Array) -> Array:
    """Matern covariance with nu = 5/2 and unit amplitude, element by element.

    ``(1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r)``, Rasmussen and Williams (2006), eq. 4.17.
    """
    # In place where it can be: candidates are many, and temporaries would set the memory's peak.
    scaled: Array = np.sqrt(squared_distance)
    scaled *= ROOT5
    polynomial: Array = 1.0 + scaled
    polynomial += scaled**2 / 3
    np.negative(scaled, out=scaled)
    polynomial *= np.exp(scaled, out=scaled)
    return polynomial


@dataclass(frozen=True)
class Kernel:
    """A covariance function with its noise.

    Attributes:
        groups: Parameter of each column of an encoded point, shape ``[d]``.
        inverse_squares: 1 / length scale^2 of each parameter, shape ``[q]``.
        amplitude: Variance.
        noise: Variance of the noise.
    """

    groups: NDArray[np.int64]
    inverse_squares: Array
    amplitude: float
    noise: float

    def between(self, a: Array, b: Array) -> Array:
        """Covariance of two sets of points, shape ``[len(a), len(b)]``."""
        scale = np.sqrt(self.inverse_squares[self.groups])
        left, right = a * scale, b * scale
        squared = (left**2).sum(1)[:, None] + (right**2).sum(1)[None]
        squared -= 2 * left @ right.T
        covariance = matern52(np.maximum(squared, 0, out=squared))
        covariance *= self.amplitude
        return covariance

    def factor(self, x: Array) -> Array:
        """Lower Cholesky factor of the covariance of noisy values at x, shape ``[n, n]``."""
        return np.linalg.cholesky(self.between(x, x) + self.noise * np.eye(len(x)))

    def rows(self, lower: Array, x: Array, at: Array) -> Array:
        """``L^-1 K(x, at)``, shape ``[n, len(at)]``: what conditioning on x explains."""
        return np.asarray(solve_triangular(lower, self.between(x, at), lower=True))
