"""Command line of the trial driver: create, wait, test, report, delete."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from cluster.connection import connect_api
from cluster.errors import ClusterError
from load_generator.report import LoadReport, read
from metrics_collector.db_manager import ReportRefusedError, report_once
from metrics_collector.observation_log import parse_metric_names, to_log, values_to_report
from trial_driver.inference_service import NotReadyError, Place, parse, running, wait_until_ready

_EPILOG = """What follows -- goes to the load generator: its --url is the predictor's, for instance
http://NAME-predictor. The metrics are reported from here, so that the Experiment's collector is of
kind Push. A service that does not come up is reported as one that serves nothing.

exit codes: 0 reported; 1 nothing could be measured or reported, with the reason; 2 wrong usage;
143 stopped by SIGTERM, as by the Job's deadline. The InferenceService is deleted in every case."""
# The load generator ends at once; this is for its result file.
_STOP_SECONDS = 10


class _Stopped(BaseException):
    """SIGTERM or SIGINT arrived; the argument is its number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        names = parse_metric_names(arguments.metrics)
        manifest = parse(arguments.inference_service)
    except ValueError as error:
        parser.error(str(error))
    if not arguments.trial_name:
        parser.error("--trial-name must be given, or KATIB_TRIAL_NAME set in the environment.")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        api, namespace = connect_api()
        place = Place(api, arguments.namespace or namespace, manifest["metadata"]["name"])
        with running(place, manifest):
            report = _measured(place, arguments)
            values = values_to_report(report, names)
            log = to_log(values, datetime.now(UTC))
            report_once(arguments.db_manager, arguments.trial_name, log)
            print(f"reported {values} of {arguments.trial_name}", flush=True)
    except _Stopped as stopped:
        received = signal.Signals(stopped.args[0])
        with contextlib.suppress(OSError):  # Ctrl-C ends whoever reads this, too
            print(f"trial-driver: Stopped by {received.name}.", file=sys.stderr)
        return 128 + received
    except (ClusterError, ReportRefusedError, OSError) as error:
        print(f"trial-driver: {error}", file=sys.stderr)
        return 1
    return 0


def _measured(place: Place, arguments: argparse.Namespace) -> LoadReport | None:
    """The load test's report; None for a service that serves nothing.

    Raises:
        ClusterError: the load generator could not work.
    """
    try:
        wait_until_ready(place, arguments.ready_seconds, time.monotonic)
    except NotReadyError as error:
        print(f"infeasible: {error}", flush=True)
        return None
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "load_generator", *arguments.flags, f"--result={result}"]
        process = subprocess.Popen(command)
        try:
            code = process.wait()
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
        if code:
            raise ClusterError(f"The load generator must end with 0, but ended with {code}.")
        return read(result)


def _stop(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)  # a second one would cut the deletion short
    raise _Stopped(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling-trial-driver",
        usage="%(prog)s [options] -- LOAD GENERATOR FLAGS",
        description="Creates an InferenceService, puts the load test on it, reports the metrics to "
        "Katib's database and deletes it again: a trial that is a Job, and has a deadline.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=version("morphling-katib"))
    add("--inference-service", default=os.environ.get("INFERENCE_SERVICE", ""), metavar="YAML",
        help="the manifest itself (default: the environment's INFERENCE_SERVICE)")  # fmt: skip
    add("--metrics", required=True, help="comma-separated metric names, the objective first")
    add("--db-manager", required=True, help="Katib's DBManager, HOST:PORT")
    add("--trial-name", default=os.environ.get("KATIB_TRIAL_NAME", ""),
        help="name of the trial (default: the environment's KATIB_TRIAL_NAME)")  # fmt: skip
    add("--namespace", help="of the InferenceService (default: the pod's own)")
    add("--ready-seconds", type=float, default=300, help="wait for it (default: %(default)g)")
    add("flags", nargs="*", help="flags of the load generator")
    return parser


if __name__ == "__main__":
    sys.exit(main())
