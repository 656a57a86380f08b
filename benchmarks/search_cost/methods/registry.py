"""Builds methods by name; what they share (a server, a worker) lives as long as the stack."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.search_cost.method import Method
from benchmarks.search_cost.methods import ours
from benchmarks.search_cost.methods.katib_skopt import KatibSkopt
from benchmarks.search_cost.methods.networks import Ernest, FineTuning
from benchmarks.search_cost.methods.optuna_tpe import OptunaTpe
from benchmarks.search_cost.methods.portfolio import Portfolio
from benchmarks.search_cost.methods.uniform import Uniform
from benchmarks.search_cost.methods.vizier_bandit import VizierBandit, Worker

# In the order of the tables.
NAMES = (*ours.SETTINGS, "fine-tuning", "portfolio", "tpe", "vizier", "skopt", "ernest", "random")
# Seconds a search or more: these run on fewer cases and to a lower cap.
SLOW = frozenset({"skopt", "vizier", "ernest"})

_LOCAL: Mapping[str, Callable[[], Method]] = {
    "fine-tuning": FineTuning,
    "portfolio": Portfolio,
    "tpe": OptunaTpe,
    "skopt": KatibSkopt,
    "ernest": Ernest,
    "random": Uniform,
}


@dataclass(frozen=True)
class Places:
    """Where methods find and leave what they need.

    Attributes:
        vizier_python: Interpreter of the environment that has google-vizier.
        logs: Folder for the messages of Vizier's worker.
    """

    vizier_python: Path
    logs: Path


class Methods:
    """The methods of one process, each built when it is first asked for; a context manager."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._stack = ExitStack()
        self._built: dict[str, Method] = {}
        self._services: ours.Services | None = None

    def __enter__(self) -> "Methods":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, name: str) -> Method:
        if name not in NAMES:
            raise KeyError(f"A method must be one of {', '.join(NAMES)}, but got {name!r}.")
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]

    def _build(self, name: str) -> Method:
        if name in ours.SETTINGS:
            if self._services is None:
                self._services = self._stack.enter_context(ours.Services())
            return ours.Ours(name, self._services)
        if name == "vizier":
            worker = Worker(self._places.vizier_python, self._places.logs / "vizier.log")
            return VizierBandit(self._stack.enter_context(worker))
        return _LOCAL[name]()
