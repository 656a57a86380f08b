"""Profile tables: the measured or simulated rate of every configuration of a service.

One tidy format, CSV or Parquet, one row a configuration. Columns:

=========== ========= ==========================================================================
service     required  name of the service; the rows of one service are its grid
rps         required  requests/s, >= 0; 0: does not run, or misses the SLO at any rate
price       optional  of the configuration, per hour, > 0; empty for a whole service: unknown
family      optional  services that resemble each other; without it each is its own family
other       required  a knob each, at least one; text or numbers
=========== ========= ==========================================================================

A service has a row for every combination of the levels that occur in its rows. Services of one
file share the knobs but may differ in their levels.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

Array = NDArray[np.float64]
Columns = Mapping[str, Sequence[str]]

_REQUIRED = ("service", "rps")
RESERVED = ("service", "family", "rps", "price")


class ProfileTableError(ValueError):
    """A file breaks a rule of the format; the message states the rule, then the value."""


@dataclass(frozen=True)
class ProfileTable:
    """One service.

    Attributes:
        service: Name.
        family: Services that resemble each other; held out together in a benchmark.
        knobs: Knob name to its levels as text; ascending when all of them are numbers, else in
            order of appearance.
        rps: Requests/s, one axis a knob in the order of ``knobs``; 0 where nothing is served.
        price: Price per hour, the same shape; None when unknown.
    """

    service: str
    family: str
    knobs: Mapping[str, tuple[str, ...]]
    rps: Array
    price: Array | None = None

    def __post_init__(self) -> None:
        shape = tuple(len(levels) for levels in self.knobs.values())
        for name, array in (("rps", self.rps), ("price", self.price)):
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, but got {array.shape}.")


def read_profile_tables(path: Path | str) -> list[ProfileTable]:
    """Reads the tables of a ``.csv`` or ``.parquet`` file, in order of first appearance.

    Raises:
        ProfileTableError: The file breaks a rule of the format.
    """
    path = Path(path)
    try:
        columns = _read_csv(path) if _suffix(path) == ".csv" else _read_parquet(path)
        return _tables(columns)
    except ProfileTableError as error:
        raise ProfileTableError(f"{path}: {error}") from error


def shipped_tables() -> list[ProfileTable]:
    """The tables of language models that come with this package; see ``tables/README.md``."""
    found: list[ProfileTable] = []
    for name in ("llm.parquet", "llm_cap.parquet"):
        with as_file(files("meta_training") / "tables" / name) as path:
            found += read_profile_tables(path)
    return found


def write_profile_tables(path: Path | str, tables: Sequence[ProfileTable]) -> None:
    """Writes tables to a ``.csv`` file, or a ``.parquet`` one, which keeps rates in float32."""
    path = Path(path)
    if len({tuple(table.knobs) for table in tables}) != 1:
        raise ValueError(f"The tables of a file have the same knobs, but got {len(tables)} tables.")
    rows = [row for table in tables for row in _rows(table)]
    has_price = any(table.price is not None for table in tables)
    names = ["service", "family", *tables[0].knobs, "rps", *(["price"] if has_price else [])]
    if _suffix(path) == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(row[: len(names)] for row in rows)
        return
    kinds = {"rps": pa.float32(), "price": pa.float64()}
    text = pa.dictionary(pa.int32(), pa.string())
    arrays = {
        name: pa.array([row[i] for row in rows], type=kinds.get(name, text))
        for i, name in enumerate(names)
    }
    parquet.write_table(pa.table(arrays), path, compression="zstd", compression_level=19)


def _rows(table: ProfileTable) -> list[tuple[object, ...]]:
    levels = list(table.knobs.values())
    rows: list[tuple[object, ...]] = []
    for index in np.ndindex(table.rps.shape):
        texts = [levels[axis][i] for axis, i in enumerate(index)]
        price = None if table.price is None else float(table.price[index])
        rows.append((table.service, table.family, *texts, float(table.rps[index]), price))
    return rows


def _suffix(path: Path) -> str:
    if path.suffix not in (".csv", ".parquet"):
        raise ProfileTableError(
            f"A file of profile tables ends in .csv or .parquet, but got {path}."
        )
    return path.suffix


def _read_csv(path: Path) -> Columns:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        names = [name.strip() for name in next(reader, [])]
        rows = [row for row in reader if row]
    repeated = [name for name in names if names.count(name) > 1 or not name]
    if repeated:
        raise ProfileTableError(f"Every column has a name of its own, but got {repeated[0]!r}.")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise ProfileTableError(
                f"Every row has {len(names)} fields, but row {number} has {len(row)}."
            )
    return {name: [row[i].strip() for row in rows] for i, name in enumerate(names)}


def _read_parquet(path: Path) -> Columns:
    try:
        table = parquet.read_table(path)
    except pa.ArrowInvalid as error:
        raise ProfileTableError(f"The file must be Parquet: {error}") from error
    return {
        name: [_text(value) for value in column.to_pylist()]
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _text(value: object) -> str:
    """A value as a CSV file would hold it: 8 for 8.0, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _tables(columns: Columns) -> list[ProfileTable]:
    knobs = [name for name in columns if name not in RESERVED]
    for name in _REQUIRED:
        if name not in columns:
            raise ProfileTableError(
                f"There is a column {name!r}, but the columns are {', '.join(columns) or 'none'}."
            )
    if not knobs:
        raise ProfileTableError(f"A column besides {', '.join(RESERVED)} is a knob; none is there.")
    if not columns["rps"]:
        raise ProfileTableError("There is a row for every configuration, but there is none.")
    for name in ("service", *knobs):
        if "" in columns[name]:
            row = columns[name].index("") + 1
            raise ProfileTableError(f"Every row has a {name}, but row {row} has none.")
    rows_of: dict[str, list[int]] = {}
    for row, service in enumerate(columns["service"]):
        rows_of.setdefault(service, []).append(row)
    return [_table(service, rows, columns, knobs) for service, rows in rows_of.items()]


def _table(
    service: str, rows: Sequence[int], columns: Columns, names: Sequence[str]
) -> ProfileTable:
    knobs = {name: _levels([columns[name][row] for row in rows]) for name in names}
    rps = _fill(service, rows, columns, knobs, _numbers(columns["rps"], rows, "rps"))
    if not rps.any():
        raise ProfileTableError(
            f"A service runs in one configuration at least, but every rps of {service!r} is 0."
        )
    price, texts = None, columns.get("price", ())
    if texts and any(texts[row] for row in rows):
        price = _fill(service, rows, columns, knobs, _numbers(texts, rows, "price"))
    return ProfileTable(service, _family(service, rows, columns), knobs, rps, price)


def _fill(
    service: str,
    rows: Sequence[int],
    columns: Columns,
    knobs: Mapping[str, tuple[str, ...]],
    values: Sequence[float],
) -> Array:
    """Puts a column's numbers on the grid; refuses one configuration twice and one left out."""
    filled = np.full([len(levels) for levels in knobs.values()], np.nan)
    positions = [{level: i for i, level in enumerate(levels)} for levels in knobs.values()]
    for row, value in zip(rows, values, strict=True):
        index = tuple(at[columns[name][row]] for name, at in zip(knobs, positions, strict=True))
        if not math.isnan(filled[index]):
            raise ProfileTableError(
                f"A service has each configuration once, but row {row + 1} repeats "
                f"{_describe(knobs, index)} of {service!r}."
            )
        filled[index] = value
    missing = np.argwhere(np.isnan(filled))
    if len(missing):
        raise ProfileTableError(
            f"A service has every combination of its knobs' levels, but {service!r} lacks "
            f"{len(missing)} of {filled.size}, such as {_describe(knobs, tuple(missing[0]))}."
        )
    return filled


def _describe(knobs: Mapping[str, tuple[str, ...]], index: tuple[int, ...]) -> str:
    return ", ".join(
        f"{name}={levels[i]}" for (name, levels), i in zip(knobs.items(), index, strict=True)
    )


def _numbers(texts: Sequence[str], rows: Sequence[int], name: str) -> list[float]:
    rule = "rps is a number >= 0" if name == "rps" else "price is a number > 0"
    numbers = []
    for row in rows:
        number = _number(texts[row])
        if not math.isfinite(number) or number < 0 or (name == "price" and number == 0):
            raise ProfileTableError(f"{rule}, but row {row + 1} has {texts[row]!r}.")
        numbers.append(number)
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _levels(texts: Sequence[str]) -> tuple[str, ...]:
    levels = tuple(dict.fromkeys(texts))
    if all(math.isfinite(_number(level)) for level in levels):
        return tuple(sorted(levels, key=float))
    return levels


def _family(service: str, rows: Sequence[int], columns: Columns) -> str:
    families = {columns["family"][row] for row in rows} if "family" in columns else {""}
    if len(families) > 1:
        raise ProfileTableError(
            f"A service belongs to one family, but {service!r} has "
            f"{', '.join(map(repr, sorted(families)))}."
        )
    return families.pop() or service
