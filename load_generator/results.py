"""Command line for finished results: draw them, compare them.

``python -m load_generator.results compare A B`` and ``... plot FILE... --output curve.png``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from load_generator.comparison import METHOD, Row, is_worse, rows, verdict
from load_generator.report import LoadReport, ReportError, read

_EPILOG = """exit codes:
  0  done; with --fail-below: B is not shown to be worse
  1  a file cannot be read or written, or matplotlib is missing; with --fail-below: B is worse, has
     no peak, or answers another question than A (SLO, protocol, model)
  2  wrong usage"""


class _CommandError(Exception):
    """The command cannot be done; the message says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (_CommandError, OSError) as error:
        print(f"load-generator: {error}", file=sys.stderr)
        return 1
    return code


def _compare(arguments: argparse.Namespace) -> int:
    first, second = _read(arguments.a), _read(arguments.b)
    try:
        table = rows(first, second)
    except ReportError as error:
        raise _CommandError(f"{arguments.a}, {arguments.b}: {error}") from None
    print(f"A: {arguments.a}\nB: {arguments.b}\n")
    print(_aligned([("", "A", "B", "B/A"), *table]))
    print(f"\n{METHOD}\n\n{verdict(first, second)}")
    limit = arguments.fail_below
    if limit is None:
        return 0
    is_failure = is_worse(first, second, limit)
    print(f"--fail-below {limit:g}: {'failed' if is_failure else 'passed'}.")
    return int(is_failure)


def _plot(arguments: argparse.Namespace) -> int:
    try:
        from load_generator import curve_plot
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        raise _CommandError(
            "plot needs matplotlib: install it with pip install 'morphling-katib[local]'."
        ) from None
    if arguments.output.suffix[1:] not in curve_plot.FORMATS:
        known = ", ".join(f".{name}" for name in curve_plot.FORMATS)
        raise _CommandError(f"--output must end in one of {known}, but got {arguments.output}.")
    names = _names(arguments.files)
    reports = [_read(path) for path in arguments.files]
    try:
        curve_plot.save(list(zip(names, reports, strict=True)), arguments.output)
    except ReportError as error:
        raise _CommandError(f"{', '.join(map(str, arguments.files))}: {error}") from None
    return 0


def _read(path: Path) -> LoadReport:
    try:
        return read(path)
    except OSError as error:
        raise _CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except ReportError as error:
        raise _CommandError(f"{path} is not a finished result: {error}") from None


def _names(paths: Sequence[Path]) -> list[str]:
    """File names without ending; whole paths where these are not enough to tell them apart."""
    names = [path.stem for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _aligned(table: Sequence[Row]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in table
    )


def _ratio(text: str) -> float:
    value = float(text)
    if not 0 < value < 10:
        raise argparse.ArgumentTypeError(f"0 < RATIO < 10 must hold, but got {text}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m load_generator.results",
        description="Draws and compares result files of morphling-load-generator.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plot = commands.add_parser("plot", help="draw latency against offered rate")
    plot.add_argument("files", type=Path, nargs="+", metavar="FILE", help="result of a load test; "
        "one is drawn in full, several with the percentile of the SLO only")  # fmt: skip
    plot.add_argument("--output", type=Path, required=True, help="a .png, .svg or .html file")
    plot.set_defaults(run=_plot)
    compare = commands.add_parser("compare", help="say whether B's peak is higher than A's")
    compare.add_argument("a", type=Path, metavar="A", help="result to compare with")
    compare.add_argument("b", type=Path, metavar="B", help="result that is compared")
    compare.add_argument("--fail-below", type=_ratio, metavar="RATIO", help="exit with 1 when the "
        "95 %% interval of B/A lies below this, 0.95 for instance")  # fmt: skip
    compare.set_defaults(run=_compare)
    return parser


if __name__ == "__main__":
    sys.exit(main())
