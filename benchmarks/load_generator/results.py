"""Finished measurements on disk: JSON lines, appended one by one, so that a benchmark goes on."""

import dataclasses
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Measurement:
    """One search for the peak of one server.

    Attributes:
        case: Name of the server.
        method: Name of the method.
        repeat: Number of the repeat, from 1; also the seed of methods that have one.
        peak_rps: What was found.
        low_rps: Lower end of its interval; None from a method without intervals.
        high_rps: Upper end.
        num_requests: Requests sent.
        cpu_seconds: CPU time of the client's processes.
        seconds: Duration.
    """

    case: str
    method: str
    repeat: int
    peak_rps: float
    low_rps: float | None
    high_rps: float | None
    num_requests: int
    cpu_seconds: float
    seconds: float


@dataclass(frozen=True)
class Window:
    """One long stretch of Poisson arrivals at a fixed rate: what the truth is made of."""

    case: str
    repeat: int
    rate_rps: float
    seconds: float
    num_requests: int
    num_violations: int
    lag_p99_seconds: float


@dataclass(frozen=True)
class ClosedLoop:
    """One closed loop against a server that answers at once: what a client costs."""

    client: str
    repeat: int
    num_requests: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Stall:
    """A client's view of a server that stalled once; ``text`` says how the client sent."""

    client: str
    text: str
    repeat: int
    p99_ms: float
    num_requests: int


class Store(Generic[T]):
    """Values of one kind in one file.

    Args:
        path: The file; created with its folder when the first value is added. A last line that was
            cut short is dropped.
        kind: The dataclass of the values.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path, self._kind = path, kind
        self._lock = threading.Lock()
        whole = path.read_text() if path.exists() else ""
        if whole and not whole.endswith("\n"):
            path.write_text(whole[: whole.rfind("\n") + 1])

    def add(self, value: T) -> None:
        """Appends a value; it is on disk when this returns. Threads may call it at once."""
        record: Any = value
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps(dataclasses.asdict(record)) + "\n")

    def values(self) -> list[T]:
        """All values, in the order in which they were added."""
        return list(self._read())

    def _read(self) -> Iterator[T]:
        if self._path.exists():
            with self._path.open() as file:
                for line in file:
                    yield self._kind(**json.loads(line))
