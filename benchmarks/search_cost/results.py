"""Finished runs on disk: JSON lines, appended one by one, so that a stopped benchmark goes on."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.run import TIE, Run


class Key(NamedTuple):
    """What a run is identified by."""

    suite: str
    case: str
    method: str
    setup: Setup


@dataclass(frozen=True)
class Record:
    """A finished run, as stored.

    Attributes:
        key: Suite, case, method and terms.
        samples: Indices of the sampled configurations in order.
        improvements: Number of samples and best share of the optimum, at each improvement.
        num_suggestions: Samples that the method proposed itself.
        cpu_seconds: CPU time of all suggestions together.
        wall_seconds: Their wall time.
    """

    key: Key
    samples: tuple[int, ...]
    improvements: tuple[tuple[int, float], ...]
    num_suggestions: int
    cpu_seconds: float
    wall_seconds: float

    def samples_to(self, share: float, cap: int) -> float:
        """Samples until a share of the optimum was reached; infinite if not within the cap."""
        for number, best in self.improvements:
            if best >= share * (1 - TIE):
                return float(number) if number <= cap else np.inf
        return np.inf

    def best_so_far(self, cap: int) -> NDArray[np.float64]:
        """Best share of the optimum after 1 to ``cap`` samples, shape ``[cap]``."""
        curve = np.zeros(cap)
        for number, best in self.improvements:
            curve[number - 1 :] = best
        return curve


def record_of(key: Key, run: Run) -> Record:
    """What is stored of a run."""
    best = np.array(run.best)
    is_better = np.diff(best, prepend=0.0) > 0
    improvements = [(int(n) + 1, round(float(best[n]), 12)) for n in np.flatnonzero(is_better)]
    return Record(
        key=key,
        samples=run.samples,
        improvements=tuple(improvements),
        num_suggestions=len(run.cpu_seconds),
        cpu_seconds=round(sum(run.cpu_seconds), 4),
        wall_seconds=round(sum(run.wall_seconds), 4),
    )


class Store:
    """Runs in one file; a context manager.

    Args:
        path: The file; created when missing. A last line that was cut short is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> "Store":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._path.read_text() if self._path.exists() else ""
        if whole and not whole.endswith("\n"):
            self._path.write_text(whole[: whole.rfind("\n") + 1])
        self._file = self._path.open("a")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        self._file.close()

    def add(self, record: Record) -> None:
        """Appends a run; it is on disk when this returns."""
        assert self._file is not None
        self._file.write(json.dumps(_to_json(record)) + "\n")
        self._file.flush()

    def records(self) -> Iterator[Record]:
        """All stored runs."""
        if self._path.exists():
            with self._path.open() as file:
                yield from (_from_json(json.loads(line)) for line in file if line.endswith("\n"))


def _to_json(record: Record) -> dict[str, object]:
    key = record.key._asdict() | {"setup": asdict(record.key.setup)}
    values = {
        "samples": record.samples,
        "improvements": record.improvements,
        "num_suggestions": record.num_suggestions,
        "cpu_seconds": record.cpu_seconds,
        "wall_seconds": record.wall_seconds,
    }
    return key | values


def _from_json(line: dict[str, object]) -> Record:
    values = dict(line)
    suite, case, method = (str(values.pop(name)) for name in ("suite", "case", "method"))
    setup = values.pop("setup")
    samples, improvements = values.pop("samples"), values.pop("improvements")
    assert isinstance(setup, dict)
    assert isinstance(samples, list)
    assert isinstance(improvements, list)
    return Record(
        key=Key(suite, case, method, Setup(**setup)),
        samples=tuple(samples),
        improvements=tuple((number, best) for number, best in improvements),
        **values,  # type: ignore[arg-type]
    )
