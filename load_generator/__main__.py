"""``python -m load_generator``, and the command ``morphling-load-generator``."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    # The imports take a good part of a second, in a container with little CPU several. There is
    # nothing to tidy up yet; but left to the default, SIGINT would write a traceback, and SIGTERM
    # would do nothing to the first process of a container.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    from load_generator.main import main

    return main(argv)


def _end(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    try:
        # Not print(), which the signal may have interrupted.
        os.write(2, f"load-generator: Stopped by {name} before the load test began.\n".encode())
    finally:  # Ctrl-C ends whoever reads this, too
        os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(run())
