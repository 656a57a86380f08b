"""Command line of the metrics collector: wait for the result, report it once, stay alive."""

import argparse
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from metrics_collector.db_manager import ReportRefusedError, report_once
from metrics_collector.observation_log import parse_metric_names, to_log, values_to_report
from metrics_collector.wait import wait_for_report

_log = logging.getLogger("metrics_collector")

_EPILOG = """After the report it sleeps until SIGTERM: a Deployment would restart a container that
ends, and the pod would turn unready.

exit codes: 0 stopped by SIGTERM or Ctrl-C; 1 the database refused the report; 2 wrong usage"""


class _Stopped(BaseException):
    """SIGTERM or SIGINT arrived. No Exception: logging would swallow it in the middle of a line."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # a second one would hit the interpreter's shutdown
    raise _Stopped


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not arguments.trial_name:
        parser.error("--trial-name must be given, or TRIAL_NAME set in the environment.")
    try:
        names = parse_metric_names(arguments.metrics)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(
        level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        _collect(arguments, names)
        while True:
            # Not signal.pause(): a signal just before it would be noticed only at the next one.
            time.sleep(1)
    except _Stopped:
        return 0
    except ReportRefusedError as error:
        print(f"metrics-collector: {error}", file=sys.stderr)
        return 1


def _collect(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    report = wait_for_report(arguments.result, arguments.deadline_seconds)
    if report is None:
        _log.error(
            "no result in %s after %g s: the configuration counts as infeasible",
            arguments.result, arguments.deadline_seconds,
        )  # fmt: skip
    values = values_to_report(report, names)
    if names[0] not in values:
        _log.error(
            "the result has no number for %s (were prices given?): %s",
            names[0], report and report.reason,
        )  # fmt: skip
    log = to_log(values, datetime.now(UTC))
    if report_once(arguments.db_manager, arguments.trial_name, log):
        _log.info("reported %s of %s", values, arguments.trial_name)
    else:
        _log.info("%s has been reported before; nothing is added", arguments.trial_name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling-metrics-collector",
        description="Katib custom metrics collector: waits for the result file of a load test and "
        "reports the named metrics to Katib's database, all in one request, once.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=version("morphling-katib"))
    add("--result", type=Path, required=True, help="result file of the load generator")
    add("--metrics", required=True, help="comma-separated metric names, the objective first")
    add("--db-manager", required=True, type=_address, help="Katib's DBManager, HOST:PORT")
    add(
        "--trial-name",
        default=os.environ.get("TRIAL_NAME", ""),
        help="name of the trial (default: the environment's TRIAL_NAME)",
    )
    add(
        "--deadline-seconds",
        type=_seconds,
        default=900.0,
        help="without a result by then, rates are reported as 0 (default: %(default)g)",
    )
    levels = ["debug", "info", "warning", "error"]
    add("--log-level", choices=levels, default="info", help="default: %(default)s")
    return parser


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"must be HOST:PORT, but got {text!r}")
    return text


def _seconds(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a positive number, but got {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
