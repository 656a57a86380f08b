"""Puts load on a server: an open loop on a schedule, and a closed loop of a given concurrency."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from load_generator.sample import Sample
from load_generator.statistics import design_effect, wilson_lower

Send = Callable[[], Awaitable[str]]

_WATCH_SECONDS = 0.05
# Early verdicts look again and again: so a strict quantile (one-sided 0.1 %).
_HOPELESS_Z = 3.1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a request, and a stretch of load, is given up.

    Attributes:
        slo_seconds: Latency SLO.
        allowed_share: Share of requests that may miss it.
        timeout_seconds: Latency that a failed request gets.
        drain_seconds: How long to wait for open requests after the last was sent.
    """

    slo_seconds: float
    allowed_share: float
    timeout_seconds: float

    @property
    def drain_seconds(self) -> float:
        return min(self.timeout_seconds, max(1.0, 3 * self.slo_seconds))


class OpenLoop:
    """Sends requests at scheduled instants, whatever becomes of the earlier ones.

    One timer is armed for the next instant and sends all that is due. It aims at ``start + offset``
    and never at "now + gap", so a late wake-up delays one request and not the schedule; latency
    counts from the scheduled instant, so that delay is in it (no coordinated omission).
    """

    def __init__(self, send: Send, limits: Limits, offsets: NDArray[np.float64]) -> None:
        self._send, self._limits = send, limits
        self._offsets: list[float] = offsets.tolist()
        self._latencies = np.full(len(offsets), np.nan)
        self._errors = np.zeros(len(offsets), dtype=np.bool_)
        self._lags: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._num_sent = self._num_done = self._num_missed = 0
        self._open: dict[int, float] = {}
        self._last_error = ""

    async def run(self) -> Sample:
        """Runs the schedule to its end, or until no verdict but "violated" is possible."""
        loop = asyncio.get_running_loop()
        cpu, self._start = time.process_time(), loop.time()
        self._all_sent = asyncio.Event()
        timer = loop.call_at(self._start + self._offsets[0], self._fire)
        self._timer = timer
        stop_reason = ""
        try:
            while not self._all_sent.is_set() and not stop_reason:
                await asyncio.sleep(_WATCH_SECONDS)
                stop_reason = self._hopeless(loop.time())
            self._timer.cancel()
            sent_seconds = loop.time() - self._start
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._limits.drain_seconds)
        finally:
            self._timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        end = loop.time()
        for index, due in self._open.items():
            self._latencies[index] = end - due
        return self._sample(sent_seconds, stop_reason, time.process_time() - cpu)

    def _fire(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._num_sent < len(self._offsets):
            due = self._start + self._offsets[self._num_sent]
            if due > now:
                self._timer = loop.call_at(due, self._fire)
                return
            self._lags.append(now - due)
            self._open[self._num_sent] = due
            task = loop.create_task(self._one(self._num_sent, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._num_sent += 1
        self._all_sent.set()

    async def _one(self, index: int, due: float) -> None:
        error = await self._send()
        latency = asyncio.get_running_loop().time() - due
        if error:
            self._last_error = error
            self._errors[index] = True
            latency = max(latency, self._limits.timeout_seconds)
        self._latencies[index] = latency
        del self._open[index]
        self._num_done += 1
        self._num_missed += latency > self._limits.slo_seconds

    def _hopeless(self, now: float) -> str:
        slo = self._limits.slo_seconds
        overdue = 0
        for due in self._open.values():  # oldest first
            if now - due <= slo:
                break
            overdue += 1
        counted, missed = self._num_done + overdue, self._num_missed + overdue
        # Clustered violations are few episodes: one pause of the server is no verdict, however many
        # requests it delays, unless it takes up a good part of the probe.
        is_missed = self._errors | (self._latencies > slo)
        is_missed[list(self._open)[:overdue]] = True
        effect = design_effect(is_missed)
        bound = wilson_lower(missed / effect, counted / effect, _HOPELESS_Z)
        is_repeated = missed >= 2 * effect or missed > 0.3 * counted
        if counted >= 20 and is_repeated and bound > self._limits.allowed_share:
            return f"{missed} of {counted} requests missed the SLO"
        # Little's law: with this many open requests the newest will wait longer than the SLO.
        cap = 20 + 2 * slo * self._num_sent / max(now - self._start, slo)
        if len(self._open) > cap:
            return f"{len(self._open)} requests in flight, more than {cap:.0f}"
        return ""

    def _sample(self, sent_seconds: float, stop_reason: str, cpu_seconds: float) -> Sample:
        latencies = self._latencies[: self._num_sent]
        is_error = self._errors[: self._num_sent]
        # A request cut off before its SLO ran out says nothing; it is left out.
        known = is_error | ~np.isnan(latencies)
        cut = np.isin(np.arange(self._num_sent), list(self._open))
        known &= ~(cut & (latencies <= self._limits.slo_seconds))
        good = known & ~is_error & ~cut
        return Sample(
            latency_seconds=latencies[known],
            is_error=is_error[known],
            lag_seconds=np.array(self._lags)[known],
            seconds=sent_seconds,
            throughput_rps=float(good.sum()) / max(sent_seconds, 1e-9),
            stop_reason=stop_reason,
            client_cpu_share=cpu_seconds / max(sent_seconds, 1e-9),
            last_error=self._last_error,
        )


async def run_closed_loop(
    send: Send, limits: Limits, *, concurrency: int, seconds: float
) -> Sample:
    """Keeps ``concurrency`` requests in flight for ``seconds``.

    Throughput is counted from the first answer to the last, the first burst of answers left out:
    with batches, counting it would credit work that was done before the count began.
    """
    loop = asyncio.get_running_loop()
    cpu, start = time.process_time(), loop.time()
    latencies: list[float] = []
    errors: list[bool] = []
    done_at: list[float] = []
    last_error = ""

    async def worker() -> None:
        nonlocal last_error
        while loop.time() - start < seconds:
            begun = loop.time()
            error = await send()
            end = loop.time()
            last_error = error or last_error
            latencies.append(limits.timeout_seconds if error else end - begun)
            errors.append(bool(error))
            if not error:
                done_at.append(end)
            elif end - begun < 0.01:
                await asyncio.sleep(0.01)  # a server that refuses at once must not spin the client

    tasks = [loop.create_task(worker()) for _ in range(concurrency)]
    try:
        await asyncio.wait(tasks, timeout=seconds + limits.timeout_seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    elapsed = loop.time() - start
    return Sample(
        latency_seconds=np.array(latencies, dtype=np.float64),
        is_error=np.array(errors, dtype=np.bool_),
        lag_seconds=np.empty(0),
        seconds=elapsed,
        throughput_rps=_throughput(np.array(done_at), concurrency, start, start + seconds),
        client_cpu_share=(time.process_time() - cpu) / max(elapsed, 1e-9),
        last_error=last_error,
    )


def _throughput(done_at: NDArray[np.float64], concurrency: int, start: float, stop: float) -> float:
    """Answers a second between the end of the first round and the end of sending."""
    if len(done_at) == 0:
        return 0.0
    # The first `concurrency` answers fill the pipeline; when there are few, leave out one only.
    first = done_at[min(concurrency, len(done_at) // 4)]
    steady = done_at[(done_at > first) & (done_at <= stop)]
    if len(steady) == 0 or steady[-1] - first < 0.5 * (stop - start):
        # Too short a stretch: a burst of simultaneous answers would look like an endless rate.
        steady, first = done_at, start
    return len(steady) / max(float(steady[-1] - first), 1e-9)
