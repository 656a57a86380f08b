from typing import Any

import numpy as np
import pytest

from suggestion import maml
from suggestion.checkpoint import Checkpoint
from suggestion.knob_features import NUM_FEATURES
from suggestion.last_layer import initial_head
from suggestion.maml import FLOOR, MamlSurrogate, targets
from suggestion.meta_model import initial_weights

pytest.importorskip("tensorflow")


def checkpoint(*, has_head: bool = True, is_continued: bool = False) -> Checkpoint:
    """Two members, not trained: what is tested holds for any weights."""
    rng = np.random.default_rng(0)
    parameters: dict[str, Any] = {}
    members = [initial_weights(rng, NUM_FEATURES) for _ in range(2)]
    for name in members[0]:
        parameters[f"weights/{name}"] = np.stack([one[name] for one in members])
        parameters[f"rates/{name}"] = np.full_like(parameters[f"weights/{name}"], 0.01)
    if has_head:
        for name, value in initial_head(NUM_FEATURES).items():
            parameters[f"head/{name}"] = np.stack([value, value])
    return Checkpoint(parameters, num_steps=2, is_continued=is_continued)


@pytest.fixture(scope="module")
def surrogate() -> MamlSurrogate:
    return MamlSurrogate(checkpoint())


def points(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, NUM_FEATURES))


VALUES = np.array([3.0, 10.0, 7.0, 1.0])


def test_targets_are_logarithms_of_the_share_of_the_best() -> None:
    values = np.array([10.0, 1e-9])
    np.testing.assert_allclose(targets(values, 10.0), [np.log(1 + FLOOR), np.log(FLOOR)])


def test_the_unit_of_the_objective_does_not_matter(surrogate: MamlSurrogate) -> None:
    x, at = points(4), points(6, 1)
    one = surrogate.predict(x, VALUES, at)
    other = surrogate.predict(x, VALUES * 1e6, at)
    np.testing.assert_allclose(other.after, one.after + np.log(1e6), atol=1e-5)
    np.testing.assert_allclose(other.sigma, one.sigma, atol=1e-5)


def test_it_knows_what_it_has_measured(surrogate: MamlSurrogate) -> None:
    x = points(4)
    found = surrogate.predict(x, VALUES, np.concatenate([x, 3 * points(6, 1)]))
    assert found.after.shape == found.before.shape == found.sigma.shape == (2, 10)
    np.testing.assert_allclose(found.after[:, :4], found.measured, atol=1e-5)
    assert (found.sigma[:, :4].max(1) < found.sigma[:, 4:].min(1)).all()
    assert (found.sigma > 0).all()


def test_many_candidates_are_predicted_alike(
    surrogate: MamlSurrogate, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, at = points(4), points(7, 1)
    whole = surrogate.predict(x, VALUES, at)
    monkeypatch.setattr(maml, "_CHUNK", 3)
    parts = surrogate.predict(x, VALUES, at)
    for name in ("before", "after", "sigma", "measured"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-4)


def test_before_is_what_was_predicted_without_the_newest_trial(surrogate: MamlSurrogate) -> None:
    x, at = points(4), points(6, 1)
    # Not the best one, which sets the scale of the targets.
    found = surrogate.predict(x, VALUES, at)
    older = surrogate.predict(x[:3], VALUES[:3], at)
    np.testing.assert_allclose(found.before, older.after, atol=1e-3)
    np.testing.assert_allclose(found.confidence, np.abs(found.after - found.before))
    np.testing.assert_allclose(found.optimistic(0.5), found.after + 0.5 * found.confidence)


def test_after_one_trial_nothing_has_moved(surrogate: MamlSurrogate) -> None:
    found = surrogate.predict(points(1), np.array([5.0]), points(6, 1))
    np.testing.assert_allclose(found.confidence, 0, atol=1e-4)


def test_pending_trials_lower_sigma_and_are_no_result(surrogate: MamlSurrogate) -> None:
    x, at = points(4), 3 * points(6, 1)
    free = surrogate.predict(x, VALUES, at)
    held = surrogate.predict(x, VALUES, at, pending=at[:1])
    assert held.measured.shape == (2, 4)
    assert (held.sigma[:, 0] < 0.5 * free.sigma[:, 0]).all()


def test_the_letter_has_no_sigma() -> None:
    letter = MamlSurrogate(checkpoint(has_head=False, is_continued=True))
    found = letter.predict(points(4), VALUES, points(6, 1))
    assert not found.sigma.any()
    assert (found.confidence > 0).all()


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [1.0, -2.0]])
def test_values_must_be_above_0(surrogate: MamlSurrogate, values: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        surrogate.predict(points(len(values)), np.array(values), points(3))
