"""Command line of the load generator."""

import argparse
import asyncio
import contextlib
import dataclasses
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from load_generator.config import PROFILES, PROTOCOLS, ConfigError, LoadTestConfig
from load_generator.cost import Cost
from load_generator.load_test import run_load_test
from load_generator.progress import Progress, render
from load_generator.report import LoadReport, ReportError, read, write

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with contextlib.suppress(ImportError):  # no uvloop on this platform: slower, not different
    from uvloop import new_event_loop

T = TypeVar("T")

_EPILOG = """exit codes:
  0  measured, an infeasible configuration included
  1  the result could not be written, or a port is taken
  2  wrong usage
  143, 130  stopped by SIGTERM or Ctrl-C before the result was final

A finished result file is read again instead of measuring again, so that a restarted container
gives the same answer."""


class _StoppedError(Exception):
    """A signal asked the process to end; the argument is its number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        config, cost = _config(arguments), _cost(arguments)
    except ValueError as error:
        parser.error(str(error))
    report: LoadReport | None = None
    try:
        progress = Progress(arguments.metrics_port)
        _check_writable(arguments.result)
        report = _finished(arguments.result, progress)
        if report is None:
            report = _run(run_load_test(config, cost, progress.probe))
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


def _config(arguments: argparse.Namespace) -> LoadTestConfig:
    profile = PROFILES[arguments.profile]
    try:
        payload = arguments.payload.read_bytes() if arguments.payload else None
    except OSError as error:
        raise ConfigError(f"--payload must be a readable file, but: {error}.") from None
    return LoadTestConfig(
        url=arguments.url,
        protocol=arguments.protocol,
        model=arguments.model,
        payload=payload,
        slo_ms=arguments.slo_ms,
        slo_percentile=arguments.slo_percentile,
        profile=profile,
        max_seconds=arguments.max_seconds or profile.max_seconds,
        ready_seconds=arguments.ready_seconds,
        seed=arguments.seed,
    )


def _cost(arguments: argparse.Namespace) -> Cost:
    return Cost(**{f.name: getattr(arguments, f.name) for f in dataclasses.fields(Cost)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling-load-generator",
        description="Finds the highest Poisson request rate at which a model server still meets "
        "its latency SLO, and writes it with every probe to a result file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=version("morphling-katib"))
    add("--url", required=True, help="address of the model server, http://HOST:PORT")
    add("--protocol", default="v2-rest", choices=PROTOCOLS, help="default: %(default)s")
    add("--model", default="", help="name of the served model; not needed with --protocol http")
    add("--payload", type=Path, help="file with the request body; without it v2-rest makes one "
        "from the model's metadata and http sends GETs")  # fmt: skip
    add("--slo-ms", type=float, required=True, help="latency bound in milliseconds")
    add("--slo-percentile", type=float, default=99, help="bounded percentile (default: 99)")
    add("--profile", default="quick", choices=PROFILES, help="quick: at most 60 s; precise: at "
        "most 240 s (default: quick)")  # fmt: skip
    add("--max-seconds", type=float, help="hard limit after the server is ready")
    add("--ready-seconds", type=float, default=120, help="wait for the server (default: 120)")
    add("--seed", type=int, default=0, help="seed of the arrivals (default: 0)")
    add("--result", type=Path, help="JSON file for the result")
    add("--stay-alive", action="store_true", help="after measuring, sleep until SIGTERM: a "
        "Deployment would restart a container that ends")  # fmt: skip
    add("--metrics-port", type=int, default=0, help="port of /metrics (default: 0, off)")
    prices = parser.add_argument_group("cost", "Prices give cost and rps_per_dollar.")
    for field in dataclasses.fields(Cost):
        flag = f"--{field.name.replace('_', '-')}"
        prices.add_argument(flag, type=float, default=0.0, metavar="NUMBER")
    return parser


if __name__ == "__main__":
    sys.exit(main())
