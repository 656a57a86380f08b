import numpy as np
import pytest

from benchmarks.maml_ablation.trainings import (
    TRAININGS,
    continued,
    grids_of,
    narrowed,
    one_member,
    ten_services,
    trained,
)
from benchmarks.search_cost.worlds import open_source_cases, split
from meta_training.plan import BEST, LETTER
from suggestion.checkpoint import META_WEIGHTS, Checkpoint
from suggestion.knob_features import NUM_FEATURES
from suggestion.maml import MamlSurrogate


@pytest.fixture(scope="module")
def shipped():
    return Checkpoint.load(META_WEIGHTS)


@pytest.fixture
def ten_only(monkeypatch):
    """Thousands of services would take seconds to simulate."""
    monkeypatch.setattr("benchmarks.maml_ablation.trainings.grids_of", lambda _: [ten_services()])


def test_each_undoes_one_choice():
    def undone(name):
        plan = TRAININGS[name].plan
        return {field for field in vars(BEST) if getattr(plan, field) != getattr(BEST, field)}

    assert TRAININGS["base"].plan == BEST
    assert TRAININGS["letter"].plan == LETTER
    assert undone("no-deviation") == {"has_head"}
    assert undone("steps-1") == undone("steps-0") == {"num_steps"}
    assert undone("first-order") == {"first_order"}
    assert undone("fixed-rates") == {"learns_rates"}
    assert undone("context") == undone("no-context") == {"inner_rates"}
    both = [TRAININGS[name].plan.inner_rates for name in ("context", "no-context")]
    assert {**both[0], **both[1]} == BEST.inner_rates


def test_ten_services_are_no_test_services():
    (grid,) = grids_of(TRAININGS["ten-services"])
    assert grid.rps.shape == (10, 720)
    assert grid.features.shape == (720, NUM_FEATURES)
    training, test = split(open_source_cases(3))
    assert grid.rps[4] == pytest.approx(training[4].values)
    assert not any(np.allclose(rates, case.values) for rates in grid.rps for case in test)
    # The order of the configurations: a V100 is the second card, the batch changes next.
    assert training[0].assignments[1]["gpu_type"] == "V100" == grid.at.gpus[1].name
    assert grid.at.batch_size[3] == float(training[0].assignments[3]["batch_size"]) == 2


def test_trained_once_and_goes_on_where_it_was_stopped(tmp_path, ten_only):
    def stop(number):
        if number == 2:
            raise KeyboardInterrupt

    whole = trained("letter", 3, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained("letter", 3, tmp_path / "parts", stop)
    seen = []
    parts = trained("letter", 3, tmp_path / "parts", seen.append)
    assert seen == [3]
    assert whole.read_bytes() == parts.read_bytes()
    assert trained("letter", 3, tmp_path / "parts", seen.append) == parts
    assert seen == [3]


def test_linear_targets_reach_the_training(tmp_path, ten_only):
    plain, linear = (
        Checkpoint.load(trained(name, 2, tmp_path)) for name in ("letter", "letter-linear")
    )
    name = "weights/bias_out"
    assert not np.allclose(plain.parameters[name], linear.parameters[name], atol=1e-7)


def test_changes_of_a_network(shipped):
    assert len(shipped.parameters["weights/bias_out"]) == 3
    assert all(len(value) == 1 for value in one_member(shipped).parameters.values())
    assert not shipped.is_continued
    assert continued(shipped).is_continued


def test_narrowed_deviations_leave_the_predictions(shipped):
    rng = np.random.default_rng(0)
    x, at = rng.uniform(-1, 1, (6, NUM_FEATURES)), rng.uniform(-1, 1, (20, NUM_FEATURES))
    values = np.arange(1.0, 7.0)
    wide, narrow = (
        MamlSurrogate(one_member(c)).predict(x, values, at)
        for c in (shipped, narrowed(shipped, 1.5))
    )
    assert narrow.after == pytest.approx(wide.after, abs=0.02)
    assert wide.sigma / narrow.sigma == pytest.approx(1.5, rel=0.02)
