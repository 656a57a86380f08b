import numpy as np
import pytest

from meta_training.profile_table import ProfileTable
from meta_training.service_grids import ServiceGrid, grid_of, simulated_grids, table_grids
from suggestion.gpu import GPUS
from suggestion.knob_features import encode


def small_grid() -> ServiceGrid:
    at = grid_of((1, 2, 4), (0.1, 0.4), (1, 8, 64), (1.0,), (GPUS["T4"], GPUS["V100"]))
    rps = np.full((1, 36), 100, np.float32)
    rps[0, 0] = 0
    return ServiceGrid(at, encode(at).astype(np.float32), rps, 1.0)


def test_simulated_services_have_the_spaces_of_the_paper() -> None:
    paper, production, *others = simulated_grids(np.random.default_rng(0), 3, 2, 2)
    assert paper.rps.shape == (3, 720)
    assert production.rps.shape == (2, 100)
    assert len(others) == 2
    assert all(60 <= grid.rps.shape[1] <= 600 for grid in others)
    assert sum(grid.weight for grid in (paper, production, *others)) == pytest.approx(1)
    assert ((paper.rps > 0).mean(1) >= 0.25).all()


def test_services_are_decided_by_the_seed() -> None:
    one, other = (simulated_grids(np.random.default_rng(4), 2, 2, 1) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.rps, b.rps)


def test_an_objective_keeps_what_does_not_run() -> None:
    values = small_grid().draw_objective(np.random.default_rng(0))
    assert values[0] == 0
    assert (values[1:] > 0).all()


def test_corners_are_the_extremes_on_one_card() -> None:
    grid = small_grid()
    corners = grid.draw_corners(np.random.default_rng(0))
    assert len(corners) == 8
    assert len({grid.at.gpus[index].name for index in corners}) == 1
    assert set(grid.at.cpu_cores[corners]) == {1, 4}
    assert set(grid.at.memory_share[corners]) == {0.1, 0.4}
    assert set(grid.at.batch_size[corners]) == {1, 64}


def test_a_table_keeps_each_rate_with_its_configuration() -> None:
    knobs = {"batch_size": ("1", "4"), "gpu_type": ("V100", "T4"), "cpu_cores": ("2", "3", "5")}
    rps = np.arange(1.0, 13.0).reshape(2, 2, 3)
    (grid,) = table_grids([ProfileTable("mine", "mine", knobs, rps)])
    assert grid.rps.shape == (1, 12)
    for place in np.ndindex(rps.shape):
        batch, gpu, cores = (levels[i] for levels, i in zip(knobs.values(), place, strict=True))
        where = (grid.at.batch_size == float(batch)) & (grid.at.cpu_cores == float(cores))
        where &= np.array([card.name == gpu for card in grid.at.gpus])
        assert grid.rps[0, where].tolist() == [rps[place]]
    assert set(grid.at.memory_share) == {1.0}


def test_tables_share_a_part_of_the_tasks() -> None:
    table = ProfileTable("a", "a", {"batch_size": ("1", "2")}, np.ones(2))
    assert sum(grid.weight for grid in table_grids([table, table])) == pytest.approx(0.3)
    assert table_grids([]) == []


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"depth": ("1", "2")}, "knobs must be among .* but a has depth"),
        ({"gpu_type": ("T4", "H9")}, "gpu_type must be one of .* but a has H9"),
    ],
)
def test_tables_that_the_network_has_no_input_for(
    knobs: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        table_grids([ProfileTable("a", "a", knobs, np.ones(2))])
