import numpy as np
import pytest

from suggestion.meta_model import NUM_HIDDEN, hidden, initial_weights, predict

pytest.importorskip("tensorflow")


def test_predictions_are_those_of_two_hidden_layers() -> None:
    rng = np.random.default_rng(0)
    w = initial_weights(rng, 3)
    w["context"] += np.float32(0.3)
    x = rng.standard_normal((6, 3)).astype(np.float32)

    def silu(values: np.ndarray) -> np.ndarray:
        return values / (1 + np.exp(-values))

    first = silu(x @ w["kernel_in"] + w["context"] @ w["context_in"] + w["bias_in"])
    second = silu(first @ w["kernel_hidden"] + w["context"] @ w["context_hidden"])
    assert second.shape == (6, NUM_HIDDEN)
    np.testing.assert_allclose(hidden(w, x), second, atol=1e-4)
    expected = (second @ w["kernel_out"])[:, 0]
    np.testing.assert_allclose(predict(w, x), expected, atol=1e-4)


def test_leading_axes_are_independent_networks() -> None:
    rng = np.random.default_rng(1)
    members = [initial_weights(rng, 3) for _ in range(2)]
    x = rng.standard_normal((4, 3)).astype(np.float32)
    both = {name: np.stack([one[name] for one in members]) for name in members[0]}
    together = predict(both, np.stack([x, x]))
    for found, one in zip(together, members, strict=True):
        np.testing.assert_allclose(found, predict(one, x), atol=1e-5)
