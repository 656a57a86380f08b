"""Gaussian-process surrogate: Matern 5/2 with a length scale a parameter, fitted by MAP.

Symbols:

====== ========= ======================================================================
x      [n, d]    measured points, encoded
y      [n]       objective, warped and standardised
g      [d]       index of the parameter that a column belongs to; q parameters
D      [q, n, n] squared distance of two points in one parameter
theta  [q + 2]   logarithms of the length scales, the amplitude and the noise deviation
====== ========= ======================================================================
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.stats import yeojohnson, yeojohnson_normmax

from suggestion.covariance import ROOT5, Kernel
from suggestion.evidence import Evidence
from suggestion.feasibility import feasible_probability
from suggestion.posterior import Conditioned, Posterior
from suggestion.search_space import Point, SearchSpace

Array = NDArray[np.float64]

# Log-normal priors, (mean, deviation) of the logarithm. Length scales: half the range times the
# root of the number of parameters, as distances grow with it. The noise prior expects a few per
# cent, which is what a load test leaves.
_LENGTH_SCALE = (math.log(0.5), 0.75)
_AMPLITUDE = (0.0, 0.5)
_NOISE = (math.log(0.08), 0.8)
_JITTER = 1e-8
# Hyper-parameters settle long before this many points; the cost of a step grows with the cube.
_MAX_FIT_POINTS = 150
_MAX_POINTS = 800
_MIN_WARP_POINTS = 6


def squared_differences(a: Array, b: Array, groups: NDArray[np.int64]) -> Array:
    """Squared distance of each pair in each parameter, shape ``[q, len(a), len(b)]``."""
    result = np.zeros((int(groups.max()) + 1, len(a), len(b)))
    for column, group in enumerate(groups):
        result[group] += (a[:, column, None] - b[None, :, column]) ** 2
    return result


def negative_log_posterior(theta: Array, squared: Array, y: Array) -> tuple[float, Array]:
    """Minus the log of marginal likelihood times prior, up to a constant, and its gradient.

    Rasmussen and Williams (2006), eq. 5.8 and 5.9, plus the log-normal priors above.

    Args:
        theta: Shape ``[q + 2]``.
        squared: D, shape ``[q, n, n]``.
        y: Shape ``[n]``.
    """
    q, n = len(squared), len(y)
    inverse_squares = np.exp(-2 * theta[:q])
    amplitude, noise = np.exp(2 * theta[q]), np.exp(2 * theta[q + 1])
    r2 = np.tensordot(inverse_squares, squared, axes=1)
    scaled = ROOT5 * np.sqrt(r2)
    decay = np.exp(-scaled)
    k = amplitude * (1 + scaled + scaled**2 / 3) * decay
    lower = np.linalg.cholesky(k + (noise + _JITTER) * np.eye(n))
    alpha = cho_solve((lower, True), y)
    inverse = cho_solve((lower, True), np.eye(n))
    weights = inverse - np.outer(alpha, alpha)  # d nll = 1/2 tr(weights dK)
    slope = weights * (amplitude * (5 / 3) * (1 + scaled) * decay)
    gradient = np.empty(q + 2)
    gradient[:q] = 0.5 * np.tensordot(squared, slope, axes=2) * inverse_squares
    gradient[q] = np.sum(weights * k)
    gradient[q + 1] = noise * np.trace(weights)
    value = 0.5 * y @ alpha + np.log(np.diag(lower)).sum()
    means, deviations = _prior(q)
    centred = (theta - means) / deviations
    return float(value + 0.5 * centred @ centred), gradient + centred / deviations


def _prior(q: int) -> tuple[Array, Array]:
    length_scale = _LENGTH_SCALE[0] + 0.5 * math.log(q)
    means = np.array([length_scale] * q + [_AMPLITUDE[0], _NOISE[0]])
    return means, np.array([_LENGTH_SCALE[1]] * q + [_AMPLITUDE[1], _NOISE[1]])


def fit_hyperparameters(squared: Array, y: Array) -> Array:
    """MAP estimate of theta, by L-BFGS from the prior mean and from two other corners."""
    means, deviations = _prior(len(squared))
    starts = [means]
    if len(y) >= 4:
        for sign in (-1, 1):
            start = means.copy()
            start[: len(squared)] += sign * deviations[: len(squared)]
            starts.append(start)
    bounds = [(m - 3.5 * s, m + 3.5 * s) for m, s in zip(means, deviations, strict=True)]
    results = [
        minimize(
            negative_log_posterior, start, (squared, y), "L-BFGS-B", jac=True, bounds=bounds,
            options={"maxiter": 60},
        )
        for start in starts
    ]  # fmt: skip
    return np.asarray(min(results, key=lambda result: float(result.fun)).x)


@dataclass(frozen=True)
class GaussianProcess:
    """Implements ``Surrogate``, for any space."""

    space: SearchSpace

    def predict(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        """See ``Surrogate.predict``."""
        groups = self.space.groups
        x, y = most_telling(self.space.encode(evidence.measured), evidence.values)
        at = self.space.encode(candidates)
        warped = warp(y)
        kernel = fit_kernel(x, warped, groups)
        lower = kernel.factor(x)
        rows = kernel.rows(lower, x, at)
        weights = solve_triangular(lower, warped, lower=True)
        fitted = kernel.rows(lower, x, x).T @ weights
        outcomes = self.space.encode(evidence.outcomes)
        return Posterior(
            means=(weights @ rows)[None],
            weights=np.ones(1),
            spreads=(Conditioned.of(kernel, at, rows),),
            spread_of=np.zeros(1, dtype=np.int64),
            runs=np.ones((1, len(at)), dtype=np.bool_),
            feasible=feasible_probability(outcomes, evidence.is_feasible, at, groups),
            best=np.array([fitted.max()]),
        )

    def promise(self, evidence: Evidence, candidates: Sequence[Point]) -> Array | None:
        """See ``Surrogate.promise``: away from failures, once there are any."""
        if not evidence.infeasible:
            return None
        return feasible_probability(
            self.space.encode(evidence.infeasible),
            np.zeros(len(evidence.infeasible), dtype=np.bool_),
            self.space.encode(candidates),
            self.space.groups,
        )


def fit_kernel(x: Array, y: Array, groups: NDArray[np.int64]) -> Kernel:
    """The kernel with the most likely hyper-parameters of standardised values."""
    return kernel_with_evidence(x, y, groups)[0]


def kernel_with_evidence(x: Array, y: Array, groups: NDArray[np.int64]) -> tuple[Kernel, float]:
    """The fitted kernel, and the logarithm of likelihood times prior at its hyper-parameters.

    Without the constant ``-n/2 log(2 pi)``; of an even pick of the values when they are many.
    """
    sample = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MAX_FIT_POINTS)).astype(int))
    squared = squared_differences(x[sample], x[sample], groups)
    theta = fit_hyperparameters(squared, y[sample])
    q = len(squared)
    kernel = Kernel(
        groups=groups,
        inverse_squares=np.exp(-2 * theta[:q]),
        amplitude=float(np.exp(2 * theta[q])),
        noise=float(np.exp(2 * theta[q + 1])) + _JITTER,
    )
    return kernel, -negative_log_posterior(theta, squared, y[sample])[0]


def most_telling(x: Array, y: Array) -> tuple[Array, Array]:
    """At most ``_MAX_POINTS``: the better half of the limit, and an even pick of the rest."""
    if len(y) <= _MAX_POINTS:
        return x, y
    order = np.argsort(-y, kind="stable")
    half = _MAX_POINTS // 2
    rest = order[half:][np.linspace(0, len(y) - half - 1, half).astype(int)]
    chosen = np.sort(np.concatenate([order[:half], rest]))
    return x[chosen], y[chosen]


def warp(y: Array) -> Array:
    """Brings objectives nearer to a normal distribution, and to mean 0 and deviation 1.

    Yeo and Johnson (2000): rates of serving configurations have a long tail, and a Gaussian process
    would spend its amplitude on it. The transform rises, so the order of values stays.

    Args:
        y: Shape ``[n]``.
    """
    centred = y - np.median(y)
    scale = float(np.std(centred))
    if scale < 1e-12 * max(1.0, float(np.abs(y).max())):
        return np.zeros(len(y))
    standard = centred / scale
    if len(y) >= _MIN_WARP_POINTS:
        # Outside this interval a handful of points would bend the scale at will.
        exponent = float(np.clip(yeojohnson_normmax(standard, brack=(-1, 3)), 0.0, 2.0))
        standard = np.asarray(yeojohnson(standard, exponent))
    return np.asarray((standard - standard.mean()) / standard.std())
