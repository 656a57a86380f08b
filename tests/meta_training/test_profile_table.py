"""The format of profile tables: what is read, and how each flaw is refused."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from meta_training.profile_table import (
    ProfileTable,
    ProfileTableError,
    read_profile_tables,
    write_profile_tables,
)

GOOD = """\
service,family,batch,gpu,rps,price
a,A,16,T4,4,1.5
a,A,8,T4,3,1.5
a,A,8,V100,6,4
a,A,16,V100,0,4
b,A,1,T4,9,1.5
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "tables.csv"
    path.write_text(text)
    return path


def test_a_row_a_configuration(tmp_path: Path):
    first, second = read_profile_tables(written(tmp_path, GOOD))
    assert (first.service, first.family) == ("a", "A")
    assert first.knobs == {"batch": ("8", "16"), "gpu": ("T4", "V100")}
    assert first.rps.tolist() == [[3, 6], [4, 0]]
    assert first.price is not None
    assert first.price.tolist() == [[1.5, 4], [1.5, 4]]
    assert second.knobs == {"batch": ("1",), "gpu": ("T4",)}
    assert second.rps.tolist() == [[9]]


def test_family_and_price_may_be_unknown(tmp_path: Path):
    (table,) = read_profile_tables(written(tmp_path, "service,batch,rps\na,1,2\n"))
    assert table.family == "a"
    assert table.price is None
    text = "service,batch,rps,price\na,1,2,\nb,1,2,3\n"
    unknown, known = read_profile_tables(written(tmp_path, text))
    assert unknown.price is None
    assert known.price is not None


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_written_tables_read_back(tmp_path: Path, suffix: str):
    knobs = {"share": ("5", "12.5"), "name": ("z", "a", "1.10")}
    rng = np.random.default_rng(0)
    rates = rng.uniform(size=(2, 3)).astype(np.float32).astype(np.float64)
    tables = [
        ProfileTable("a", "A", knobs, rates, np.full((2, 3), 2.736)),
        ProfileTable("b, the second", "A", knobs, rates + 1),
    ]
    path = tmp_path / f"tables{suffix}"
    write_profile_tables(path, tables)
    read = read_profile_tables(path)
    for expected, actual in zip(tables, read, strict=True):
        assert (actual.service, actual.family) == (expected.service, expected.family)
        assert actual.knobs == expected.knobs
        assert np.allclose(actual.rps, expected.rps, rtol=1e-7, atol=0)
        assert (actual.price is None) == (expected.price is None)
    assert read[0].price is not None
    assert (read[0].price == 2.736).all()


def test_parquet_of_numbers(tmp_path: Path):
    path = tmp_path / "tables.parquet"
    columns = {"service": ["a", "a"], "batch": [8, 4], "share": [0.5, 0.5], "rps": [1, 2]}
    parquet.write_table(pa.table(columns), path)
    (table,) = read_profile_tables(path)
    assert table.knobs == {"batch": ("4", "8"), "share": ("0.5",)}
    assert table.rps.ravel().tolist() == [2, 1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a,A,8,T4,3,1.5\n", "", "'a' lacks 1 of 4, such as batch=8, gpu=T4."),
        ("a,A,8,T4", "a,A,16,T4", "row 2 repeats batch=16, gpu=T4 of 'a'."),
        ("T4,3,", "T4,fast,", "rps is a number >= 0, but row 2 has 'fast'."),
        ("T4,3,", "T4,,", "rps is a number >= 0, but row 2 has ''."),
        ("T4,3,", "T4,-3,", "but row 2 has '-3'."),
        ("T4,3,", "T4,inf,", "but row 2 has 'inf'."),
        ("T4,3,", "T4,nan,", "but row 2 has 'nan'."),
        ("T4,3,1.5", "T4,3,0", "price is a number > 0, but row 2 has '0'."),
        ("T4,3,1.5", "T4,3,", "price is a number > 0, but row 2 has ''."),
        ("T4,9,", "T4,0,", "runs in one configuration at least, but every rps of 'b' is 0."),
        ("b,A,1", ",A,1", "Every row has a service, but row 5 has none."),
        ("b,A,1", "b,A,", "Every row has a batch, but row 5 has none."),
        ("a,A,8,T4", "a,B,8,T4", "one family, but 'a' has 'A', 'B'."),
        (",rps,", ",rate,", "There is a column 'rps', but the columns are service, family, "),
        ("service,", "model,", "There is a column 'service', but"),
        (",gpu,", ",batch,", "Every column has a name of its own, but got 'batch'."),
        ("a,A,8,T4,3,1.5", "a,A,8,T4,3", "Every row has 6 fields, but row 2 has 5."),
    ],
)
def test_flaws_are_refused(tmp_path: Path, old: str, new: str, message: str):
    assert GOOD.count(old)
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ProfileTableError, match=re.escape(message)) as error:
        read_profile_tables(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is a column 'service', but the columns are none."),
        ("service,batch,rps\n", "There is a row for every configuration, but there is none."),
        ("service,rps\na,1\n", "A column besides service, family, rps, price is a knob"),
    ],
)
def test_empty_files_are_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(ProfileTableError, match=re.escape(message)):
        read_profile_tables(written(tmp_path, text))


def test_only_two_kinds_of_file(tmp_path: Path):
    with pytest.raises(ProfileTableError, match=r"ends in \.csv or \.parquet, but got .*\.xlsx"):
        read_profile_tables(tmp_path / "tables.xlsx")
    path = tmp_path / "tables.parquet"
    path.write_text("no Parquet")
    with pytest.raises(ProfileTableError, match="must be Parquet"):
        read_profile_tables(path)


def test_arrays_have_an_axis_a_knob():
    with pytest.raises(ValueError, match=r"rps must have shape \(2,\), but got \(3,\)"):
        ProfileTable("a", "a", {"batch": ("1", "2")}, np.ones(3))
