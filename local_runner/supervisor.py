"""Runs one command as a container: ``python supervisor.py CORES NICENESS -- COMMAND...``.

A process of its own stands between the runner and the command, so that a runner that is killed
leaves nothing behind: the kernel tells the supervisor of its parent's death, and it takes the whole
process group down. Only the standard library is imported, for a start within milliseconds.
"""

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 10.0


def main(argv: list[str]) -> int:
    """Runs the command in this process group and returns its exit code, as a shell tells it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    cores = {int(core) for core in argv[0].split(",") if core}
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    os.nice(int(argv[1]))
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            os.killpg(0, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the runner's to handle
    child = subprocess.Popen(argv[3:], restore_signals=True)
    while True:
        try:
            code = child.wait(timeout=_GRACE_SECONDS if stopping else 0.5)
            break
        except subprocess.TimeoutExpired:
            if stopping:
                os.killpg(0, signal.SIGKILL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
