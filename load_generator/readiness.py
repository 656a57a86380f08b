"""Waits until a server takes requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from load_generator.errors import ServerNotReadyError

_POLL_SECONDS = 0.2
_ANSWER_SECONDS = 5.0


async def wait_until_ready(
    check: Callable[[], Awaitable[str]], ready_seconds: float, what: str
) -> float:
    """Asks again and again until the server is ready.

    Args:
        check: Asks once; gives what is wrong, or an empty string. It is cut off after 5 s.
        ready_seconds: How long to wait.
        what: Names what was asked, for the message.

    Returns:
        The seconds that it took.

    Raises:
        ServerNotReadyError: ``ready_seconds`` have passed.
    """
    start, last = time.monotonic(), ""
    while True:
        left = ready_seconds - (time.monotonic() - start)
        seconds = max(0.1, min(left, _ANSWER_SECONDS))
        fault = await _checked(check, seconds)
        waited = time.monotonic() - start
        if fault == "":
            return waited
        last = fault or last or f"nothing within {seconds:.2g} s"
        if waited > ready_seconds:
            raise ServerNotReadyError(
                f"The server must be ready within {ready_seconds:g} s, but {what} last answered: "
                f"{last}."
            )
        await asyncio.sleep(_POLL_SECONDS)


async def _checked(check: Callable[[], Awaitable[str]], seconds: float) -> str | None:
    """What is wrong; None when nothing is known after so many seconds."""
    asking = asyncio.ensure_future(check())
    try:
        await asyncio.wait({asking}, timeout=seconds)
        return asking.result() if asking.done() else None
    finally:
        asking.cancel()
