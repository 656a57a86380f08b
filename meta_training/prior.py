"""Random services: the prior of the library, and the source of tasks for meta-training."""

import numpy as np

from suggestion.serving_simulator import ServiceParameters

# Share of services whose GPU work is next to nothing, as for sentence and word embeddings.
_LOOKUP_SHARE = 0.12


def draw_service(rng: np.random.Generator, slo_seconds: float = 1.0) -> ServiceParameters:
    """Draws the parameters of one plausible service.

    Medians and ranges follow published figures of 42 vision and language models (timm's results,
    keras.io, the models' papers): 0.1 to 600 GFLOP a request, 30 (EfficientNet) to 600 (VGG) FLOP a
    byte of activations, 14 MB to 2 GB of weights, 600 bytes to 1 MB of input.

    Args:
        rng: Source of randomness.
        slo_seconds: Bound on the 99th percentile of latency.
    """
    is_lookup = rng.random() < _LOOKUP_SHARE
    flop = _log_normal(rng, 1e6, 1.5) if is_lookup else _log_uniform(rng, 1e8, 7e11)
    intensity = _log_normal(rng, 150, 0.9)
    activation_bytes = max(2.5e4, flop / intensity)
    weight_bytes = _log_normal(rng, 5e8, 0.8) if is_lookup else _log_normal(rng, 1.2e8, 1.1)
    return ServiceParameters(
        flop=flop,
        weight_bytes=min(weight_bytes, 4e9),
        activation_bytes=activation_bytes,
        live_bytes=activation_bytes * _log_uniform(rng, 0.05, 0.6),
        request_bytes=_log_uniform(rng, 5e2, 1.2e6),
        num_kernels=_log_uniform(rng, 5, 60) if is_lookup else _log_uniform(rng, 60, 900),
        dispatch_seconds=_log_uniform(rng, 5e-6, 4e-5),
        cpu_seconds=_log_normal(rng, 2.5e-3, 1.0),
        contention=rng.uniform(0.0, 0.3),
        coherence=rng.uniform(0.0, 0.02),
        efficiency=rng.uniform(0.3, 1.1),
        runtime_bytes=rng.uniform(2.5e8, 7e8),
        workspace_bytes=_log_uniform(rng, 3e7, 1e9),
        slow_kernels=rng.uniform(1.0, 1.6),
        slo_seconds=slo_seconds,
    )


def _log_normal(rng: np.random.Generator, median: float, deviation: float) -> float:
    return float(median * np.exp(deviation * rng.standard_normal()))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
