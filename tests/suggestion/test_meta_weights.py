"""The weights that ship, on a service that no training has seen."""

from importlib.resources import as_file, files

import numpy as np
import pytest

from suggestion.gpu import GPUS
from suggestion.knob_features import encode
from suggestion.maml import MamlSurrogate
from suggestion.serving_simulator import Configurations, ServiceParameters, peak_rps

pytest.importorskip("tensorflow")

# About a ResNet-50.
SERVICE = ServiceParameters(
    flop=8e9,
    weight_bytes=1e8,
    activation_bytes=4.4e7,
    live_bytes=1e7,
    request_bytes=1.5e5,
    num_kernels=175,
    dispatch_seconds=2.8e-5,
    cpu_seconds=4e-3,
    contention=0.05,
    coherence=0.005,
    efficiency=1.0,
    runtime_bytes=4e8,
    workspace_bytes=2e8,
    slow_kernels=1.3,
    slo_seconds=1.0,
)


@pytest.fixture(scope="module")
def surrogate() -> MamlSurrogate:
    with as_file(files("suggestion") / "data" / "meta_weights.npz") as path:
        return MamlSurrogate.load(path)


def space() -> Configurations:
    mesh = np.meshgrid([1.0, 3, 5], [0.05, 0.1, 0.4], [1.0, 8, 32, 128], [0, 1, 2], indexing="ij")
    cores, memory, batch, card = (axis.ravel() for axis in mesh)
    gpus = tuple(GPUS.values())
    chosen = tuple(gpus[int(index)] for index in card)
    return Configurations(cores, batch, memory, np.ones(len(cores)), chosen)


def test_a_tenth_of_a_space_tells_the_rest(surrogate: MamlSurrogate) -> None:
    at = space()
    rates = peak_rps(SERVICE, at)
    runs = np.flatnonzero(rates)
    drawn = np.random.default_rng(0).permutation(runs)
    samples, others = drawn[:10], drawn[10:]
    features = encode(at)
    found = surrogate.predict(features[samples], rates[samples], features[others])
    error = found.after.mean(0) - np.log(rates[others])
    spread = np.log(rates[runs]).std()
    assert np.median(np.abs(error)) < 0.15 * spread
    # Errors have heavy tails (the slower kernels of a small share of memory come unannounced), but
    # sigma is of their order.
    assert np.mean(np.abs(error) < 2 * found.sigma.mean(0)) > 0.6
