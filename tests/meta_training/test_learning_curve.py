from pathlib import Path

import numpy as np

from meta_training.learning_curve import smoothed, write_learning_curve


def test_stretches_of_equal_length() -> None:
    history = np.column_stack([np.arange(200), np.full(200, 4)]).astype(np.float32)
    points = smoothed(history)
    assert points.shape == (100, 3)
    np.testing.assert_allclose(points[0], [2, 0.5, 4])
    np.testing.assert_allclose(points[-1], [200, 198.5, 4])


def test_a_short_history_keeps_every_update() -> None:
    np.testing.assert_allclose(smoothed(np.array([[3, 1]], np.float32)), [[1, 3, 1]])
    assert smoothed(np.zeros((0, 2), np.float32)).shape == (0, 3)


def test_files(tmp_path: Path) -> None:
    write_learning_curve(np.array([[3, 1], [2, 0.25]], np.float32), tmp_path)
    text = (tmp_path / "learning_curve.csv").read_text()
    assert text == "update,loss,mean_absolute_error\n1,3.0000,1.0000\n2,2.0000,0.2500\n"
    assert (tmp_path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
