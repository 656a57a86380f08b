"""Command line of the load generator."""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from load_generator.client import tls_of
from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.flags import make_config, make_cost, make_parser
from load_generator.load_test import run_load_test
from load_generator.progress import Progress, render
from load_generator.report import LoadReport, ReportError, check_room, read, to_json, write
from load_generator.signals import StoppedError, Stopper


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    try:
        config, cost = make_config(arguments), make_cost(arguments)
        tls_of(config)  # a certificate that is none must be refused here, with the other flags
    except ValueError as error:
        parser.error(str(error))
    report: LoadReport | None = None  # only when it is final
    try:
        with Stopper() as stopper, Progress(arguments.metrics_port) as progress:
            report = _finished(arguments.result, progress)
            if report is None:
                report = _measure(config, cost, arguments.result, progress, stopper)
            progress.done(report)
            _print(render(report))
            if arguments.stay_alive:
                stopper.wait()
    except StoppedError as stopped:
        if report is not None:
            return 0
        with contextlib.suppress(OSError):  # Ctrl-C ends whoever reads this, too
            print(f"load-generator: {stopped}", file=sys.stderr)
        return stopped.exit_code
    except OSError as error:
        print(f"load-generator: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(
    config: LoadTestConfig, cost: Cost, path: Path | None, progress: Progress, stopper: Stopper
) -> LoadReport:
    if path is not None:
        check_room(path)
    with progress.live(config.max_seconds, config.slo.allowed_share):
        report = stopper.run(lambda: run_load_test(config, cost, progress.probe, progress.snapshot))
    if path is not None:
        _keep(report, path)
    return report


def _keep(report: LoadReport, path: Path) -> None:
    """Writes the result file. A disk that has filled up meanwhile must not cost the result.

    Raises:
        OSError: it cannot be written; it has been printed.
    """
    try:
        write(report, path)
    except OSError as error:
        _print(to_json(report))
        raise OSError(
            f"{path} cannot be written, so the result is on standard output: {error}"
        ) from None


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError as error:
        raise OSError(f"standard output cannot be written: {error}") from None


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
