"""Measures a server with several processes, where one core does not suffice.

One Poisson stream is dealt out in turn: together the processes send exactly what one would send, at
the same instants, as the clock of ``time.monotonic`` is the machine's. Each gives up a hopeless
stretch on what it sees, and then stops the others.
"""

import asyncio
import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

import numpy as np

from load_generator.config import LoadTestConfig
from load_generator.records import Counts
from load_generator.sample import Sample, merged
from load_generator.schedule import Opening, probe_send_times
from load_generator.server_meter import (
    CLOSED,
    OPEN,
    OnSnapshot,
    first_payload,
    limits_of,
    probe_seed,
    shown,
)
from load_generator.worker import Closed, Failed, Open, Ready, Stop, listen, run_worker

# For a command to reach every process before the first request is due.
_HEAD_START_SECONDS = 0.05
_JOIN_SECONDS = 5.0
# While it sends, a process says four times a second how things stand.
_SILENCE_SECONDS = 30.0


class WorkerDiedError(OSError):
    """A sending process has ended before the load test, or says nothing more."""


@contextlib.contextmanager
def _spared_signals() -> Iterator[None]:
    """Processes that are started meanwhile never see SIGTERM and SIGINT; here they come later.

    Ctrl-C goes to all processes of a terminal, other signals to a whole group: they are the
    parent's to handle, and a process that imports has no handler yet. It ends with the parent.
    """
    resource_tracker.ensure_running()  # else the first process starts it, which unblocks both
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker:
    """One sending process, seen from here."""

    def __init__(self, config: LoadTestConfig, number: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy the event loop
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=run_worker, args=(theirs, config, number), daemon=True
        )
        self._process.start()
        theirs.close()
        self._messages = listen(self._connection)
        self.counts: Counts | None = None

    def tell(self, message: object) -> None:
        """Sends a command. Whether the process is gone, ``hear`` says."""
        with contextlib.suppress(OSError):
            self._connection.send(message)

    async def hear(self, seconds: float) -> Any:
        """The next message that is no interim result.

        Args:
            seconds: Longest silence.

        Raises:
            WorkerDiedError: there will be none.
        """
        while True:
            try:
                message = await asyncio.wait_for(self._messages.get(), seconds)
            except TimeoutError:
                raise _died(f"said nothing for {seconds:g} s") from None
            if message is None:
                raise _died(await self._death())
            if not isinstance(message, Counts):
                return message
            self.counts = message

    async def _death(self) -> str:
        await asyncio.to_thread(self._process.join, _JOIN_SECONDS)
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"ended with exit code {code}"
        return f"was ended by {signal.Signals(-code).name}, perhaps for want of memory"

    async def end(self) -> None:
        """Ends the process, by force if it must be."""
        asyncio.get_running_loop().remove_reader(self._connection.fileno())
        self._connection.close()
        await asyncio.to_thread(self._process.join, _JOIN_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _died(how: str) -> WorkerDiedError:
    return WorkerDiedError(
        f"Every sending process must work as long as the load test lasts, but one {how}."
    )


class WorkerMeter:
    """Sends from ``config.processes`` processes. Implements ``server_meter.ServerMeter``.

    Args:
        config: What to test.
        show: Told how things stand.
    """

    def __init__(self, config: LoadTestConfig, show: OnSnapshot) -> None:
        self._config, self._show = config, show
        self._workers: list[_Worker] = []
        self._deadline = float("inf")
        self._num_closed_loops = 0

    async def __aenter__(self) -> Self:
        try:
            with _spared_signals():
                for number in range(self._config.processes):
                    self._workers.append(_Worker(self._config, number))
        except OSError:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(worker.end() for worker in self._workers))

    async def get_ready(self) -> float:
        """See ``ServerMeter``."""
        longest = self._config.ready_seconds + self._config.timeout_seconds + _SILENCE_SECONDS
        answers = await asyncio.gather(*(worker.hear(longest) for worker in self._workers))
        for answer in answers:
            if isinstance(answer, Failed):
                raise answer.error
        self._deadline = time.monotonic() + self._config.max_seconds
        return max(answer.waited for answer in answers if isinstance(answer, Ready))

    def seconds_left(self) -> float:
        """See ``meter.Meter``."""
        return self._deadline - time.monotonic()

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        """See ``meter.Meter``."""
        number = len(self._workers)
        shares = [len(range(i, concurrency, number)) for i in range(number)]
        patience = limits_of(self._config).patience_seconds(self.seconds_left() - seconds)
        self._num_closed_loops += 1
        stretch = CLOSED, self._num_closed_loops
        commands = [
            Closed(share, seconds, patience, first_payload(self._config, *stretch, process))
            for process, share in enumerate(shares)
            if share
        ]
        return await self._run(commands, kind, None)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        """See ``meter.Meter``."""
        seed = probe_seed(self._config, index)
        offsets = probe_send_times(rate_rps, seconds, opening, seed)
        count, number = len(offsets), len(self._workers)
        indices = first_payload(self._config, OPEN, index) + np.arange(count)
        start = time.monotonic() + _HEAD_START_SECONDS - min(0.0, float(offsets[0]))
        commands = [
            Open(start, offsets[i::number], indices[i::number]) for i in range(min(number, count))
        ]
        return await self._run(commands, kind, rate_rps)

    async def _run(
        self, commands: Sequence[Open | Closed], kind: str, rate_rps: float | None
    ) -> Sample:
        busy = self._workers[: len(commands)]
        for worker, command in zip(busy, commands, strict=True):
            worker.counts = None
            worker.tell(command)
        async with shown(kind, rate_rps, _total(busy), self._show):
            samples = await asyncio.gather(*(self._result(worker, busy) for worker in busy))
        return merged(samples)

    async def _result(self, worker: _Worker, busy: Sequence[_Worker]) -> Sample:
        sample: Sample = await worker.hear(_SILENCE_SECONDS)
        if sample.stop_reason:
            for other in busy:
                if other is not worker:
                    other.tell(Stop(sample.stop_reason))
        return sample


def _total(workers: Sequence[_Worker]) -> Callable[[], Counts | None]:
    def total() -> Counts | None:
        known = [worker.counts for worker in workers if worker.counts is not None]
        return reduce(Counts.joined, known) if known else None

    return total
