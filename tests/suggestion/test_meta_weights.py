"""The weights that ship, on a service that no training has seen."""

from importlib.resources import as_file, files

import numpy as np
import pytest

from suggestion.gpu import GPUS
from suggestion.knob_features import encode
from suggestion.maml import MamlSurrogate
from suggestion.serving_simulator import Configurations, peak_rps
from tests.suggestion.services import RESNET50

pytest.importorskip("tensorflow")


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
    rates = peak_rps(RESNET50, at)
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
