"""The library surrogate: a mixture of prior services, each times a free scale plus a residual.

Every particle is a whole surface of the objective. The trials weigh them by how well they fit, up
to a factor and a residual Gaussian process that all share. Where the service runs is a vote of the
particles, apart from its speed. A plain Gaussian process sits among them as the sceptic: where no
prior service is like this one, it fits better and takes over.

Symbols: P particles, S residuals, n measured points, m candidates.

====== ========= =========================================================================
z      [P, m]    surface of a particle over its largest value, to the power ``POWER``
y      [n]       the measured objective over its largest value, to the same power
r      [P, n]    z at the measured points
A      [n, n]    covariance of the residual at the measured points, noise included
s      [P]       scale of each particle, ``r' A^-1 y / r' A^-1 r``
q      [P]       misfit, ``1/2 (y - s r)' A^-1 (y - s r)``
====== ========= =========================================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import expit, logsumexp

from suggestion.covariance import Kernel
from suggestion.evidence import MAX_TRIALS, Evidence
from suggestion.feasibility import feasible_probability
from suggestion.gaussian_process import GaussianProcess, kernel_with_evidence
from suggestion.particles import POWER, Particles
from suggestion.posterior import Conditioned, Posterior
from suggestion.search_space import Point

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]

# (deviation, noise) of the residuals; the trials weigh them as they weigh particles.
_RESIDUALS = ((0.03, 0.012), (0.06, 0.012), (0.12, 0.03))
# Correlation length of a residual, of the range of a knob; grows as distances do.
_LENGTH_SCALE = 0.65
_NUM_PLAIN_KNOBS = 4
# Price of a disagreement about whether the service runs, as a logarithm.
_DISAGREEMENT = 2.0
# Weights are tempered until so many particles count, so that a lucky one cannot rule.
_EFFECTIVE = 10
_COOLING = 1.35
_MAX_TEMPERATURE = 6.0
_NUM_KEPT = 400
_MAX_KEPT_ENTRIES = 2_000_000
_VOTE = (0.03, 0.97)
# Odds, as a logarithm, that no prior service is like this one; and when that can be judged.
_LOG_SCEPTICISM = -3.0
_MIN_SCEPTIC_POINTS = 4


@dataclass(frozen=True)
class _Residual:
    """One residual Gaussian process given the measured points, and how the particles fit with it.

    Attributes:
        kernel: Its covariance.
        lower: Cholesky factor of A.
        scale: s.
        misfit: L^-1 (y - s r), shape ``[n, P]``.
        log_likelihood: -q - log|A|/2, shape ``[P]``.
    """

    kernel: Kernel
    lower: Array
    scale: Array
    misfit: Array
    log_likelihood: Array


@dataclass(frozen=True)
class LibrarySurrogate:
    """Implements ``Surrogate`` for spaces over knobs that the library knows."""

    particles: Particles

    def predict(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        """See ``Surrogate.predict``."""
        if evidence.values.min() < 0:
            # No rate is below 0: the objective is of another kind than the library.
            return GaussianProcess(self.particles.space).predict(evidence, candidates)
        return self._mixture(evidence.thinned(MAX_TRIALS), candidates)

    def _mixture(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        space = self.particles.space
        x, at = space.encode(evidence.measured), space.encode(candidates)
        known = self.particles.surfaces(evidence.outcomes)
        y = _transformed(evidence.values)
        residuals = [_residual(kernel, x, y, known[:, : len(x)]) for kernel in self._kernels()]
        agreement = self._agreement(evidence, known)
        log_weights = np.stack([r.log_likelihood for r in residuals]) + agreement
        weights, temperature = tempered(log_weights.ravel())
        num_kept = max(50, min(_NUM_KEPT, _MAX_KEPT_ENTRIES // len(candidates)))
        kept = np.sort(np.argsort(-weights, kind="stable")[:num_kept])
        spread_of, particle = np.divmod(kept, len(known))
        members, place = np.unique(particle, return_inverse=True)
        z = self.particles.surfaces(candidates, members)[place]
        share = weights[kept] / weights[kept].sum()
        means, spreads = [], []
        for index, residual in enumerate(residuals):
            own = spread_of == index
            rows = residual.kernel.rows(residual.lower, x, at)
            correction = residual.misfit[:, particle[own]].T @ rows
            means.append(residual.scale[particle[own], None] * z[own] + correction)
            spreads.append(_heated(residual.kernel, at, rows, min(temperature, _MAX_TEMPERATURE)))
        mixture = Posterior(
            means=np.concatenate(means),
            weights=share,
            spreads=tuple(spreads),
            spread_of=spread_of,
            runs=z > 0,
            feasible=self._feasible(evidence, at, share @ (known[particle] > 0), share @ (z > 0)),
            best=np.full(len(kept), y.max()),
        )
        log_evidence = logsumexp(
            np.stack([r.log_likelihood for r in residuals]) + self.particles.log_prior
        ) - np.log(len(residuals) * len(self.particles.sources))
        return self._with_sceptic(mixture, float(log_evidence), x, y, at)

    def _with_sceptic(
        self, mixture: Posterior, log_evidence: float, x: Array, y: Array, at: Array
    ) -> Posterior:
        """Adds a plain Gaussian process, with the weight that the trials give it.

        Where no prior service resembles this one, it explains the trials better and takes over.
        """
        deviation = float(y.std())
        if len(y) < _MIN_SCEPTIC_POINTS or deviation < 1e-6:
            return mixture
        groups = self.particles.space.groups
        standard = (y - y.mean()) / deviation
        kernel, log_likelihood = kernel_with_evidence(x, standard, groups)
        log_likelihood -= len(y) * np.log(deviation)
        log_odds = log_likelihood + _LOG_SCEPTICISM - log_evidence
        weight = float(expit(log_odds))
        kernel = replace(
            kernel,
            amplitude=kernel.amplitude * deviation**2,
            noise=kernel.noise * deviation**2,
        )
        lower = kernel.factor(x)
        rows = kernel.rows(lower, x, at)
        mean = y.mean() + solve_triangular(lower, y - y.mean(), lower=True) @ rows
        return replace(
            mixture,
            means=np.concatenate([mixture.means, mean[None]]),
            weights=np.append(mixture.weights * (1 - weight), weight),
            spreads=(*mixture.spreads, Conditioned.of(kernel, at, rows)),
            spread_of=np.append(mixture.spread_of, len(mixture.spreads)),
            runs=np.concatenate([mixture.runs, np.ones((1, len(at)), dtype=np.bool_)]),
            best=np.append(mixture.best, y.max()),
        )

    def promise(self, evidence: Evidence, candidates: Sequence[Point]) -> Array | None:
        """See ``Surrogate.promise``: the expected best of what is pending and the candidate."""
        evidence = evidence.thinned(MAX_TRIALS)
        known = self.particles.surfaces(evidence.outcomes)
        held = self.particles.surfaces(evidence.pending).max(axis=1, initial=0, keepdims=True)
        weights, _ = tempered(self._agreement(evidence, known))
        z = self.particles.surfaces(candidates)
        gain = np.asarray(weights.astype(np.float32) @ np.maximum(z - held, 0), dtype=np.float64)
        if not evidence.outcomes:
            return gain
        at = self.particles.space.encode(candidates)
        feasible = self._feasible(evidence, at, weights @ (known > 0), weights @ (z > 0))
        return np.asarray(gain * feasible)

    def _agreement(self, evidence: Evidence, known: Array32) -> Array:
        """Prior and what is known of where the service runs, as logarithms, shape ``[P]``."""
        disagreements = ((known > 0) != evidence.is_feasible).sum(axis=1)
        return np.asarray(self.particles.log_prior - _DISAGREEMENT * disagreements)

    def _feasible(
        self, evidence: Evidence, at: Array, vote_at_outcomes: Array, vote: Array
    ) -> Array:
        """The particles' vote, corrected by the outcomes; shape ``[m]``."""
        space = self.particles.space
        return feasible_probability(
            space.encode(evidence.outcomes),
            evidence.is_feasible,
            at,
            space.groups,
            (np.clip(vote_at_outcomes, *_VOTE), np.clip(vote, *_VOTE)),
        )

    def _kernels(self) -> list[Kernel]:
        groups = self.particles.space.groups
        q = int(groups.max()) + 1
        length_scale = _LENGTH_SCALE * max(1.0, q / _NUM_PLAIN_KNOBS) ** 0.5
        return [
            Kernel(groups, np.full(q, length_scale**-2.0), deviation**2, noise**2)
            for deviation, noise in _RESIDUALS
        ]


def _residual(kernel: Kernel, x: Array, y: Array, z: Array32) -> _Residual:
    """Conditions on the measured points; ``z`` are the particles there, shape ``[P, n]``."""
    # A particle that does not run where the service does has no speed there: it takes the others',
    # so that where it runs weighs in once, as a disagreement.
    usual = z.sum(axis=0) / np.maximum((z > 0).sum(axis=0), 1)
    r = np.where(z > 0, z, usual).astype(np.float64)
    lower = kernel.factor(x)
    white_r = solve_triangular(lower, r.T, lower=True)
    white_y = solve_triangular(lower, y, lower=True)
    scale = (white_y @ white_r) / np.maximum((white_r**2).sum(axis=0), 1e-12)
    misfit = white_y[:, None] - white_r * scale
    log_likelihood = -0.5 * (misfit**2).sum(axis=0) - np.log(np.diag(lower)).sum()
    return _Residual(kernel, lower, scale, misfit, log_likelihood)


def _transformed(values: Array) -> Array:
    """Y of the module's table; values are at least 0."""
    return np.asarray((values / max(values.max(), 1e-300)) ** POWER)


def tempered(log_weights: Array) -> tuple[Array, float]:
    """Weights proportional to ``exp(log_weights / T)``, T the least that keeps enough of them.

    Returns:
        The weights, shape as given, sum 1; and T, at least 1.
    """
    centred = log_weights - log_weights.max()
    enough = min(_EFFECTIVE, len(centred) / 2)
    temperature = 1.0
    while True:
        weights = np.exp(centred / temperature)
        weights = weights / weights.sum()
        if 1 / (weights**2).sum() >= enough or temperature > 1e6:
            return weights, temperature
        temperature *= _COOLING


def _heated(kernel: Kernel, at: Array, rows: Array, temperature: float) -> Conditioned:
    """The residual's spread, as much wider as the weights had to be tempered."""
    hot = replace(
        kernel, amplitude=kernel.amplitude * temperature, noise=kernel.noise * temperature
    )
    return Conditioned.of(hot, at, rows * temperature**0.5)
