from pathlib import Path

import numpy as np
import pytest

from suggestion.checkpoint import KNOBS, Checkpoint, save_arrays
from suggestion.knob_features import ENCODING_VERSION, NUM_FEATURES
from suggestion.meta_model import Array32


def arrays(num_features: int = NUM_FEATURES) -> dict[str, Array32]:
    kernel = np.arange(num_features * 2, dtype=np.float32).reshape(1, num_features, 2)
    return {"weights/kernel_in": kernel, "rates/kernel_in": kernel + 1}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "weights.npz"
    Checkpoint(arrays(), num_steps=3, is_continued=True).save(path)
    found = Checkpoint.load(path)
    assert (found.num_steps, found.is_continued, found.knobs) == (3, True, KNOBS)
    np.testing.assert_array_equal(found.part("rates")["kernel_in"], arrays()["rates/kernel_in"])
    assert found.part("head") == {}
    assert [file.name for file in path.parent.iterdir()] == ["weights.npz"]


def test_weights_of_another_encoding_are_refused() -> None:
    with pytest.raises(ValueError, match=f"version {ENCODING_VERSION}, but are of 99"):
        Checkpoint(arrays(), num_steps=1, encoding_version=99)
    with pytest.raises(ValueError, match=f"{NUM_FEATURES} inputs, but has 2"):
        Checkpoint(arrays(2), num_steps=1)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected"):
        Checkpoint.load(path)


def test_a_file_without_rates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    save_arrays(path, {"weights/kernel_in": arrays()["weights/kernel_in"]}, {})
    with pytest.raises(ValueError, match="lacks"):
        Checkpoint.load(path)
