"""The load generator, struck by a signal when it comes to a phase of its own accord.

``python -m tests.fakes.struck_load_generator PHASE TARGET SIGNAL FLAGS...``: tests that would wait
from outside until a phase has come might find that it is over.

PHASE is ``start`` (sending processes, if any, have just been started), the kind of a probe (the
first such begins), or ``stay_alive``. TARGET is ``self``, ``group`` (it and its sending processes),
``worker`` (one of these), or ``again`` (itself, and then again and again until it has ended).
"""

import asyncio
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from load_generator import server_meter, workers
from load_generator.__main__ import run
from load_generator.signals import Stopper


def _strike(target: str, number: signal.Signals) -> None:
    if target == "group":
        os.killpg(0, number)
    elif target == "worker":
        os.kill(multiprocessing.active_children()[0].pid or 0, number)
    else:
        os.kill(os.getpid(), number)
    if target == "again":
        threading.Thread(target=_go_on, daemon=True).start()


def _go_on() -> None:
    for number in itertools.cycle((signal.SIGTERM, signal.SIGINT)):
        time.sleep(0.002)
        os.kill(os.getpid(), number)


def _at_start(strike: Callable[[], None]) -> None:
    for kind in (server_meter.LocalMeter, workers.WorkerMeter):

        async def enter(self: Any, original: Any = kind.__aenter__) -> Any:
            entered = await original(self)
            strike()
            return entered

        kind.__aenter__ = enter


def _at_probe(kind: str, strike: Callable[[], None]) -> None:
    original = server_meter.shown

    def shown(phase: str, *rest: Any) -> Any:
        if phase == kind:
            # Not at once: by then the first requests have been sent.
            asyncio.get_running_loop().call_soon(strike)
        return original(phase, *rest)

    server_meter.shown = workers.shown = shown


def _at_stay_alive(strike: Callable[[], None]) -> None:
    original = Stopper.wait

    def wait(self: Stopper) -> None:
        strike()
        original(self)

    Stopper.wait = wait


def main() -> int:
    phase, target, name, *sys.argv[1:] = sys.argv[1:]

    def strike() -> None:
        _strike(target, signal.Signals[name])

    if phase == "start":
        _at_start(strike)
    elif phase == "stay_alive":
        _at_stay_alive(strike)
    else:
        _at_probe(phase, strike)
    return run()


if __name__ == "__main__":
    sys.exit(main())
