from dataclasses import replace

import numpy as np
import pytest

from suggestion.gpu import GPUS
from suggestion.knob_features import NUM_FEATURES, encode
from suggestion.serving_simulator import Configurations


def at(cores: list[float], batch: list[float], gpu: str = "T4") -> Configurations:
    full = np.full(len(cores), 0.5)
    return Configurations(np.array(cores), np.array(batch), full, full, (GPUS[gpu],) * len(cores))


def test_equal_ratios_are_equal_distances() -> None:
    features = encode(at([1, 2, 4, 8], [1, 4, 16, 64]))
    assert features.shape == (4, NUM_FEATURES)
    steps = np.diff(features, axis=0)
    np.testing.assert_allclose(steps, np.tile(steps[0], (3, 1)), atol=1e-12)
    # Doubled cores are one unit; a card that stays the same adds nothing.
    assert steps[0, 0] == pytest.approx(1)
    assert np.count_nonzero(np.abs(steps[0]) > 1e-12) == 2


def test_a_card_is_its_constants_and_not_its_name() -> None:
    renamed = replace(GPUS["T4"], name="other")
    known = at([2], [8])
    other = replace(known, gpus=(renamed,))
    np.testing.assert_array_equal(encode(known), encode(other))
    assert not np.array_equal(encode(known), encode(at([2], [8], "V100")))
