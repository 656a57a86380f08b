"""Runs the client's program and tells what it cost: all methods are measured alike."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from benchmarks.load_generator.cores import CLIENT, on_cores

_LONGEST_SECONDS = 600.0
_TAIL = 1500


class CommandError(RuntimeError):
    """A program failed; the message has the end of what it wrote."""


@dataclass(frozen=True)
class Ran:
    """A program that has ended.

    Attributes:
        text: Its standard output.
        cpu_seconds: User and system time, of the processes too that it started and waited for.
        seconds: From start to end.
    """

    text: str
    cpu_seconds: float
    seconds: float


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    good_codes: Sequence[int] = (0,),
) -> Ran:
    """Runs a program on the client's cores.

    Args:
        command: Program and arguments.
        environment: Variables on top of this process's.
        good_codes: Exit codes that are no failure.

    Raises:
        CommandError: it failed, or did not end in time.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.monotonic()
        with on_cores(CLIENT):
            process = subprocess.Popen(
                command,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        watchdog = threading.Timer(_LONGEST_SECONDS, process.kill)
        watchdog.start()
        try:
            # Not process.wait(): only this call tells the cost of this process and no other.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            watchdog.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begun
        text = _content(output)
        if process.returncode not in good_codes:
            tail = (text + _content(errors))[-_TAIL:]
            raise CommandError(f"{command[0]} ended with {process.returncode}:\n{tail}")
    return Ran(text, usage.ru_utime + usage.ru_stime, seconds)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
