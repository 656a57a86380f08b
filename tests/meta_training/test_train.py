from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from meta_training.plan import BEST, LETTER, Plan
from meta_training.service_grids import ServiceGrid, simulated_grids
from meta_training.train import ResumeError, train
from suggestion.maml import MamlSurrogate

pytest.importorskip("tensorflow")

SHORT = replace(BEST, num_members=1, num_tasks=2, num_updates=4, num_steps=1)


@pytest.fixture(scope="module")
def grids() -> list[ServiceGrid]:
    return simulated_grids(np.random.default_rng(0), 20, 10, 1)


def interrupt_at(number: int) -> object:
    def on_update(done: int) -> None:
        if done == number:
            raise KeyboardInterrupt

    return on_update


@pytest.mark.parametrize("plan", [SHORT, replace(LETTER, num_tasks=2, num_updates=4)])
def test_a_continued_training_equals_an_uninterrupted_one(
    plan: Plan, grids: list[ServiceGrid], tmp_path: Path
) -> None:
    whole, losses = train(plan, grids, 3, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(plan, grids, 3, tmp_path, interrupt_at(2))  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["training_state.npz"]
    continued, all_losses = train(plan, grids, 3, tmp_path)
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(all_losses, losses)
    assert losses.shape == (4, 2)
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(continued.parameters[name], value)
    MamlSurrogate(continued)


def test_another_training_is_not_continued(grids: list[ServiceGrid], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(SHORT, grids, 3, tmp_path, interrupt_at(1))  # type: ignore[arg-type]
    for plan, seed, other in (
        (replace(SHORT, num_steps=2), 3, grids),
        (SHORT, 4, grids),
        (SHORT, 3, grids[:1]),
    ):
        with pytest.raises(ResumeError, match="own plan, seed and tables"):
            train(plan, other, seed, tmp_path)


def test_training_lowers_the_error(grids: list[ServiceGrid], tmp_path: Path) -> None:
    plan = replace(SHORT, num_tasks=8, num_updates=120, learning_rate=3e-3)
    _, losses = train(plan, grids[:1], 0, tmp_path)
    assert losses[-20:, 0].mean() < losses[:20, 0].mean() - 0.2
