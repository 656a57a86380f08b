"""SIGTERM and SIGINT: either ends the load generator in order, whatever it is just doing."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, Self, TypeVar

from load_generator.event_loop import new_event_loop

T = TypeVar("T")

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class StoppedError(BaseException):
    """A signal asked the process to end. No Exception, which libraries may swallow.

    Args:
        number: The signal's.
    """

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        super().__init__(f"Stopped by {name} before the result was final, so there is none.")
        self.exit_code = 128 + number


class Stopper:
    """While entered, the first signal stops what runs and further ones are ignored.

    One handler serves from beginning to end, so that there is no moment without: event loops have
    handlers of their own, but give the signals back to the default when they close. On leaving,
    signals stay ignored, as the process is about to end.
    """

    def __init__(self) -> None:
        self._received = 0
        self._interrupt: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        for number in _NUMBERS:
            signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number in _NUMBERS:
            signal.signal(number, signal.SIG_IGN)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs a coroutine in an event loop of its own until it ends or a signal stops it.

        Args:
            work: Makes the coroutine.

        Raises:
            StoppedError: a signal arrived; everything has been cancelled and closed.
        """
        self._interrupt = _later  # an exception in the middle of the loop's own code would break it
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                result = runner.run(self._cancellable(work))
        except (asyncio.CancelledError, OSError):
            if not self._received:  # else a connection may well fail while all are being closed
                raise
        finally:
            self._interrupt = None
        if self._received:
            raise StoppedError(self._received)
        return result

    def wait(self) -> None:
        """Sleeps until a signal arrives.

        Raises:
            StoppedError: it has.
        """
        while True:
            # Not signal.pause(): a signal just before it would be noticed only at the next one.
            time.sleep(1)

    async def _cancellable(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a coroutine runs in a task"
        self._interrupt = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            if self._received:  # before the line above
                raise asyncio.CancelledError
            return await work()
        finally:
            self._interrupt = _later

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._received:
            return  # a second one would cut the tidying up short
        self._received = number
        if self._interrupt is None:
            raise StoppedError(number)
        self._interrupt()


def _later() -> None:
    """Leaves it to the end of ``Stopper.run``."""
