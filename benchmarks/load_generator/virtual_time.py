"""An event loop in virtual time: waits cost nothing, so that hours of load take minutes."""

import asyncio
import contextlib
import selectors
from collections.abc import Iterator
from typing import Any
from unittest import mock


class _Clock(selectors.SelectSelector):
    """A selector that waits by setting its clock forward: nothing comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        if timeout is None:
            raise RuntimeError("Nothing is scheduled: the program would wait for ever.")
        self.now += max(0.0, timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs timers in order, each at the instant it was set for."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the loop was made, in virtual time."""
        return self._clock.now


@contextlib.contextmanager
def virtual_time() -> Iterator[asyncio.Runner]:
    """While entered, ``time.monotonic`` is the clock of the runner's event loop."""
    loop = VirtualTimeLoop()
    with (
        mock.patch("time.monotonic", loop.time),
        asyncio.Runner(loop_factory=lambda: loop) as runner,
    ):
        yield runner
