"""google-vizier's Gaussian-process bandit, in an environment of its own.

Vizier needs other versions of its dependencies than this project (and JAX 0.4: with newer ones the
equinox that it pins cannot be imported), so a worker process runs it; see ``vizier_worker.py``. A
configuration that has been sampled is replaced, without charge, by a random one that has not.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Sample, Setup, is_ordered, unsampled

_WORKER = Path(__file__).with_name("vizier_worker.py")


class Worker:
    """A worker process; a context manager that starts and ends it.

    Args:
        python: Interpreter of the environment that has google-vizier.
        log: Where the worker's own messages go.
    """

    def __init__(self, python: Path, log: Path) -> None:
        if not python.exists():
            raise FileNotFoundError(f"Vizier's interpreter must exist, but {python} does not.")
        self._python = python
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._file: IO[str] | None = None

    def __enter__(self) -> "Worker":
        self._file = self._log.open("w")
        self._process = subprocess.Popen(
            [str(self._python), str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._file,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": ""},
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._file is not None
        self._process.kill()
        self._process.communicate()
        self._file.close()

    def ask(self, question: dict[str, Any]) -> Any:
        """Sends one object and returns the answer to it.

        Raises:
            RuntimeError: the worker has ended.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"Vizier's worker must answer, but has ended; see {self._log}.")
        return json.loads(answer)


class VizierSearch:
    """One search; the worker holds the designer, so that only one runs at a time."""

    def __init__(self, worker: Worker, case: Case, seed: int) -> None:
        self._worker = worker
        self._case = case
        self._rng = np.random.default_rng(seed)
        self._num_told = 0
        space = {
            name: {"kind": "number" if is_ordered(case, name) else "choice", "values": texts}
            for name, texts in case.parameters.items()
        }
        worker.ask({"start": space, "seed": seed})

    def propose(self, samples: Sequence[Sample]) -> int:
        new = [
            {"point": self._case.assignments[sample.index], "value": sample.value}
            for sample in samples[self._num_told :]
        ]
        self._num_told = len(samples)
        point = self._worker.ask({"samples": new})["point"]
        index = self._case.index[tuple(point[name] for name in self._case.parameters)]
        left = unsampled(self._case, samples)
        return index if index in left else int(self._rng.choice(left))


class VizierBandit:
    """Starts searches on a worker."""

    name = "vizier"

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> VizierSearch:  # noqa: ARG002
        return VizierSearch(self._worker, case, setup.seed)
