"""The event loop: uvloop where it is, which costs half as much."""

import asyncio
import contextlib
from collections.abc import Callable

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with contextlib.suppress(ImportError):  # no uvloop on this platform: slower, not different
    from uvloop import new_event_loop  # noqa: F401
