"""The library is seeded, and survives its file."""

from pathlib import Path

import numpy as np
import pytest

from meta_training.build_library import build_library
from meta_training.profile_table import ProfileTable
from suggestion.errors import ArtifactError
from suggestion.library import SHIPPED, Library
from tests.suggestion.libraries import table


def test_seeds():
    first, same, other = (build_library(seed, [], 20).simulated for seed in (1, 1, 2))
    assert (first == same).all()
    assert (first != other).any()


def test_tables_of_one_grid_are_one_group():
    wide = ProfileTable("w", "w", {"tp": ("1", "2")}, np.array([1.0, 2.0]), np.array([3.0, 6.0]))
    library = build_library(0, [table("a", 1.0, 0), wide, table("b", 2.0, 1)], 0)
    assert [dict(group.knobs) for group in library.groups] == [
        {"backend": ("a", "b", "c", "d"), "batch_size": ("1", "2", "4", "8", "16")},
        {"tensor_parallelism": ("1", "2")},
    ]
    assert len(library.groups[0].tables) == 2
    assert library.groups[0].price is None
    assert library.groups[1].price is not None
    assert library.groups[1].price.tolist() == [3.0, 6.0]


def test_round_trip(tmp_path: Path):
    library = build_library(0, [table("a", 1.0, 0), table("b", 2.0, 1)], 5)
    library.save(tmp_path / "l.npz")
    read = Library.load(tmp_path / "l.npz")
    assert (read.simulated == library.simulated).all()
    (group,), (expected,) = read.groups, library.groups
    assert group.knobs == expected.knobs
    assert (group.tables.runs == expected.tables.runs).all()
    assert group.tables.speed == pytest.approx(expected.tables.speed, rel=1e-3)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 something"])
def test_a_file_that_is_none(tmp_path: Path, content: bytes | None):
    path = tmp_path / "l.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"^A library must be a file that"):
        Library.load(path)


def test_a_knob_named_twice_is_refused():
    twice = ProfileTable("t", "t", {"tp": ("1",), "tp_size": ("1",)}, np.array([[1.0]]))
    with pytest.raises(ValueError, match=r"^The knobs of a table must differ"):
        build_library(0, [twice], 0)


def test_the_shipped_library_is_there():
    library = Library.load(SHIPPED)
    assert len(library.simulated) > 1000
    assert [len(group.tables) for group in library.groups] == [168]
