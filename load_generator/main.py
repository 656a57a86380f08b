"""Command line of the load generator."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.event_loop import new_event_loop
from load_generator.flags import make_config, make_cost, make_parser
from load_generator.load_test import run_load_test
from load_generator.progress import Progress, render
from load_generator.report import LoadReport, ReportError, read, write

T = TypeVar("T")


class _StoppedError(Exception):
    """A signal asked the process to end; the argument is its number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    try:
        config, cost = make_config(arguments), make_cost(arguments)
    except ValueError as error:
        parser.error(str(error))
    report: LoadReport | None = None
    try:
        with Progress(arguments.metrics_port) as progress:
            _check_writable(arguments.result)
            report = _finished(arguments.result, progress)
            if report is None:
                report = _measure(config, cost, progress)
                if arguments.result:
                    write(report, arguments.result)
            progress.done(report)
            print(render(report), flush=True)
            if arguments.stay_alive:
                _run(_wait_for_ever())
    except _StoppedError as stopped:
        number: int = stopped.args[0]
        return 128 + number if report is None else 0
    except OSError as error:
        print(f"load-generator: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(config: LoadTestConfig, cost: Cost, progress: Progress) -> LoadReport:
    with progress.live(config.max_seconds, config.slo.allowed_share):
        return _run(run_load_test(config, cost, progress.probe, progress.snapshot))


async def _wait_for_ever() -> None:
    await asyncio.Event().wait()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine until it ends or a signal stops it.

    Raises:
        _StoppedError: SIGTERM or SIGINT arrived; everything has been cancelled and closed.
    """
    received: list[int] = []

    async def guarded() -> T:
        task = asyncio.ensure_future(work)

        def stop(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        return await task

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(guarded())
    except asyncio.CancelledError:
        raise _StoppedError(received[0]) from None


def _finished(path: Path | None, progress: Progress) -> LoadReport | None:
    if path is None or not path.exists():
        return None
    try:
        report = read(path)
    except ReportError as error:
        progress.say(f"{path} is not a finished result, so it is measured again: {error}")
        return None
    progress.say(f"{path} holds a finished result, so nothing is measured.")
    return report


def _check_writable(path: Path | None) -> None:
    """Fails before the measurement, not after it, when its result could not be kept."""
    if path is None:
        return
    trial = path.with_name(f"{path.name}.tmp")
    trial.write_text("")
    trial.unlink()


if __name__ == "__main__":
    sys.exit(main())
