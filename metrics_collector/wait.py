"""Waits for the result file of a load test."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from load_generator.report import LoadReport, ReportError, read

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.5


def wait_for_report(
    path: Path,
    deadline_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> LoadReport | None:
    """Returns the result as soon as the file is there and valid, or None after the deadline.

    Args:
        path: The result file; it may not exist yet.
        deadline_seconds: How long to wait.
        sleep: How to wait.
        clock: What the time is, in seconds.
    """
    end = clock() + deadline_seconds
    last_problem = ""
    while True:
        try:
            return read(path)
        except FileNotFoundError:
            pass
        except (OSError, ReportError) as error:
            if str(error) != last_problem:
                _log.warning("%s is not a result yet: %s", path, error)
            last_problem = str(error)
        left = end - clock()
        if left <= 0:
            return None
        sleep(min(_POLL_SECONDS, left))
