import numpy as np
import pytest

from benchmarks.maml_ablation.linear_targets import (
    delinearised,
    draw_linear_batch,
    linear_targets,
)
from benchmarks.maml_ablation.trainings import ten_services
from meta_training.tasks import draw_batch
from suggestion.maml import targets

VALUES = np.array([1e-6, 3.0, 40.0, 200.0])


def linear(values):
    return linear_targets(targets(values, values.max()).astype(np.float32))


def test_they_are_values_as_shares_of_the_best_plus_a_constant():
    found = linear(VALUES)
    assert np.diff(found) == pytest.approx(np.diff(VALUES) / 200, rel=1e-4)
    assert found[-1] == pytest.approx(targets(VALUES, 200.0)[-1], rel=1e-5)


def test_the_search_gives_the_network_what_the_training_gave_it():
    stand_ins = delinearised(VALUES)
    assert stand_ins.max() == pytest.approx(200)
    assert targets(stand_ins, stand_ins.max()) == pytest.approx(linear(VALUES), abs=1e-6)


def test_a_batch_differs_in_its_targets_only():
    grids = [ten_services()]
    plain, batch = (
        draw(grids, np.random.default_rng(3), 1, 4) for draw in (draw_batch, draw_linear_batch)
    )
    for name in ("support_x", "support_mask", "query_x"):
        assert (getattr(plain, name) == getattr(batch, name)).all()
    is_sample = plain.support_mask == 1
    assert (batch.support_y[~is_sample] == 0).all()
    assert batch.support_y[is_sample] == pytest.approx(linear_targets(plain.support_y[is_sample]))
    assert batch.query_y == pytest.approx(linear_targets(plain.query_y))
