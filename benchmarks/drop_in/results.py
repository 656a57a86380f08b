"""Finished runs on disk: JSON lines, appended one by one, so that a stopped benchmark goes on."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.drop_in.search import Run


class Key(NamedTuple):
    """What a run is identified by; ``parallel`` is the number of trials at a time."""

    problem: str
    instance: int
    method: str
    seed: int
    parallel: int


@dataclass(frozen=True)
class Record:
    """A finished run, as stored."""

    key: Key
    run: Run


def append(path: Path, record: Record) -> None:
    """Adds a run to the file; it is on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({**record.key._asdict(), **asdict(record.run)}) + "\n")


def records(path: Path) -> Iterator[Record]:
    """All stored runs; a last line that was cut short is left out."""
    if not path.exists():
        return
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                values = json.loads(line)
                key = Key(*(values.pop(name) for name in Key._fields))
                yield Record(key, Run(**{**values, "regrets": tuple(values["regrets"])}))
