"""Command line of the local runner."""

import argparse
import contextlib
import fcntl
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from rich.console import Console

from experiment_report import ExperimentRecord, readable, write_report
from local_runner import wire
from local_runner.controller import End, Run, end_of, run_experiment
from local_runner.db_manager import serve
from local_runner.experiment import Experiment
from local_runner.live import RunView
from local_runner.load import ExperimentError, load_experiment
from local_runner.machine import Machine, MachineError, load_machine
from local_runner.observation_store import ObservationStore
from local_runner.record import experiment_record
from local_runner.state import RunState, StateError
from local_runner.suggestion_service import (
    RefusedError,
    SuggestionService,
    SuggestionServiceError,
)

_EPILOG = """The folder holds everything: state.sqlite, the logs and results of every trial, and
report/index.html. Ctrl-C stops all processes; the same command then continues.

exit codes: 0 the Experiment succeeded; 1 it failed, or something it needs did; 2 wrong usage or a
flaw in the Experiment; 130, 143 stopped by Ctrl-C or SIGTERM"""


class BusyError(RuntimeError):
    """Another runner works in the folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level="WARNING", format="%(levelname)s %(message)s")
    try:
        experiment = _limited(load_experiment(arguments.experiment), arguments.max_trials)
        local = arguments.local or arguments.experiment.with_name("local.yaml")
        machine = load_machine(local)
        folder: Path = arguments.output or Path("runs") / experiment.name
        with _locked(folder):
            return _Session(experiment, machine, folder, arguments.no_live).run()
    except (ExperimentError, MachineError, RefusedError, StateError) as error:
        print(f"local-runner: {error}", file=sys.stderr)
        return 2
    except (BusyError, SuggestionServiceError, OSError) as error:
        print(f"local-runner: {error}", file=sys.stderr)
        return 1


class _Session:
    """One run from the first check to the report."""

    def __init__(
        self, experiment: Experiment, machine: Machine, folder: Path, is_plain: bool
    ) -> None:
        self._experiment, self._machine, self._folder = experiment, machine, folder
        self._console = Console()
        self._is_live = self._console.is_terminal and not is_plain
        self._stop = threading.Event()
        self._signal = 0

    def run(self) -> int:
        """Runs the Experiment and returns the exit code."""
        with contextlib.ExitStack() as stack:
            state = RunState(self._folder / "state.sqlite")
            stack.callback(state.close)
            state.claim(self._experiment)
            end = end_of(self._experiment, state.trials())
            if end is None:
                stack.enter_context(self._signals())
                end = self._play(state, stack)
            return self._conclude(state, end)

    def _play(self, state: RunState, stack: contextlib.ExitStack) -> End | None:
        observations = ObservationStore(self._folder / "observations.sqlite")
        stack.callback(observations.close)
        server, address = serve(observations)
        stack.callback(lambda: server.stop(grace=None).wait())
        service = SuggestionService(self._folder)
        stack.callback(service.stop)
        service.validate(wire.experiment_to_proto(self._experiment))
        view = RunView(self._experiment, self._folder, self._console, self._is_live)
        with view:
            end = run_experiment(
                Run(
                    experiment=self._experiment,
                    machine=self._machine,
                    folder=self._folder,
                    state=state,
                    observations=observations,
                    service=service,
                    db_address=address,
                    stop=self._stop,
                    on_change=view.update,
                )
            )
            view.update(state.trials())
        return end

    def _conclude(self, state: RunState, end: End | None) -> int:
        record = experiment_record(
            self._experiment,
            state.trials(),
            self._folder,
            run_phases=state.phase_seconds(),
            is_finished=end is not None,
            status_message=end.message if end else "stopped",
        )
        page = write_report(record, self._folder / "report")
        self._console.print(_summary(record), highlight=False, soft_wrap=True)
        self._console.print(f"report          {page}", highlight=False, soft_wrap=True)
        if end is None:
            print("Stopped. Run the same command again to continue.", flush=True)
            return 128 + self._signal
        if not end.has_succeeded:
            print(f"local-runner: {end.message}", file=sys.stderr)
        return 0 if end.has_succeeded else 1

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C ask the run to stop; a second Ctrl-C changes nothing."""

        def stop(number: int, _frame: FrameType | None) -> None:
            self._signal = self._signal or number
            self._stop.set()

        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, stop) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _summary(record: ExperimentRecord) -> str:
    lines = [f"{record.name}: {record.status_message}"]
    best = record.best
    if best is None:
        lines.append("No trial has a usable objective.")
    else:
        lines.append(f"best trial      {best.name}")
        lines += [f"  {name} = {value}" for name, value in best.assignments.items()]
        lines.append(f"{record.objective_metric:<15} {readable(record.objective(best))}")
        if report := best.load_report:
            lines.append(
                f"peak_rps        {report.peak_rps:.1f} "
                f"(95 % interval {report.peak_rps_low:.1f} to {report.peak_rps_high:.1f})"
            )
            lines.append(f"latency_p99_ms  {report.latency_p99_ms:.1f} (SLO {report.slo_text})")
    total = sum(record.phase_seconds.values())
    if total:
        parts = [f"{name} {s:.0f} s" for name, s in record.phase_seconds.items() if s >= 0.5]
        lines.append(f"time            {total:.0f} s: {', '.join(parts)}")
    return "\n".join(lines)


def _limited(experiment: Experiment, max_trials: int | None) -> Experiment:
    if max_trials is None:
        return experiment
    spec = experiment.spec
    counts = {
        "max_trial_count": max_trials,
        "parallel_trial_count": min(spec.parallel_trial_count, max_trials),
    }
    return experiment.model_copy(update={"spec": spec.model_copy(update=counts)})


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps a second runner out of the folder; the lock dies with the process.

    Raises:
        BusyError: another runner holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{folder} must be free, but another runner works in it.") from None
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling-local-runner",
        description="Runs a Katib Experiment of InferenceService trials on this machine: real "
        "suggestions over gRPC, each trial's containers as processes, real load tests.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("experiment", type=Path, metavar="EXPERIMENT.yaml", help="the Experiment, as for a cluster")
    add("--output", type=Path, metavar="DIR", help="folder of the run (default: runs/NAME)")
    add("--max-trials", type=_positive, metavar="N", help="run N trials instead of maxTrialCount")
    add("--local", type=Path, metavar="FILE", help="where images and models are on this machine "
        "(default: local.yaml beside the Experiment)")  # fmt: skip
    add("--no-live", action="store_true", help="print a line an event instead of a live table")
    add("--version", action="version", version=version("morphling-katib"))
    return parser


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, but got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
