"""Puts load on a server: an open loop that sends on a schedule."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from load_generator.answer import Answer
from load_generator.records import Limits, Records
from load_generator.sample import Sample
from load_generator.statistics import design_effect, wilson_lower

Send = Callable[[int], Awaitable[Answer]]

_WATCH_SECONDS = 0.05
# Early verdicts look again and again: so a strict quantile (one-sided 0.1 %).
_HOPELESS_Z = 3.1


class OpenLoop:
    """Sends requests at scheduled instants, whatever becomes of the earlier ones.

    One timer is armed for the next instant and sends all that is due. It aims at ``start + offset``
    and never at "now + gap", so a late wake-up delays one request and not the schedule; latency
    counts from the scheduled instant, so that delay is in it (no coordinated omission).
    """

    def __init__(self, send: Send, limits: Limits, offsets: NDArray[np.float64]) -> None:
        self._send, self._limits = send, limits
        self._offsets: list[float] = offsets.tolist()
        self._records = Records(len(offsets))
        self._lags: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._num_sent = self._num_done = 0
        self._open: dict[int, float] = {}

    async def run(self) -> Sample:
        """Runs the schedule to its end, or until no verdict but "violated" is possible."""
        loop = asyncio.get_running_loop()
        cpu, self._start = time.process_time(), loop.time()
        self._all_sent = asyncio.Event()
        self._timer = loop.call_at(self._start + self._offsets[0], self._fire)
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
            self._records.latency_seconds[index] = end - due
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
        time_now = asyncio.get_running_loop().time
        sent = time_now()
        answer = await self._send(index)
        timeout = self._limits.timeout_seconds
        self._records.add(index, time_now() - due, sent - due, answer, timeout)
        del self._open[index]
        self._num_done += 1

    def _hopeless(self, now: float) -> str:
        limit = self._limits.overdue_seconds
        overdue = 0
        for due in self._open.values():  # oldest first
            if now - due <= limit:
                break
            overdue += 1
        # Clustered violations are few episodes: one pause of the server is no verdict, however many
        # requests it delays, unless it takes up a good part of the probe.
        is_missed = self._records.is_missed(self._limits.slo)
        is_missed[list(self._open)[:overdue]] = True
        counted, missed = self._num_done + overdue, int(is_missed.sum())
        effect = design_effect(is_missed)
        bound = wilson_lower(missed / effect, counted / effect, _HOPELESS_Z)
        is_repeated = missed >= 2 * effect or missed > 0.3 * counted
        if counted >= 20 and is_repeated and bound > self._limits.slo.allowed_share:
            return f"{missed} of {counted} requests missed the SLO"
        # Little's law: with this many open requests the newest will wait longer than the SLO.
        cap = 20 + 2 * limit * self._num_sent / max(now - self._start, limit)
        if len(self._open) > cap:
            return f"{len(self._open)} requests in flight, more than {cap:.0f}"
        return ""

    def _sample(self, sent_seconds: float, stop_reason: str, cpu_seconds: float) -> Sample:
        records, sent = self._records, slice(self._num_sent)
        latencies, is_error = records.latency_seconds[sent], records.is_error[sent]
        # A request cut off before its SLO ran out says nothing; it is left out.
        known = is_error | ~np.isnan(latencies)
        cut = np.isin(np.arange(self._num_sent), list(self._open))
        known &= ~(cut & (latencies <= self._limits.overdue_seconds))
        good = known & ~is_error & ~cut
        return Sample(
            latency_seconds=latencies[known],
            is_error=is_error[known],
            ttft_seconds=records.ttft_seconds[sent][known],
            tpot_seconds=records.tpot_seconds[sent][known],
            lag_seconds=np.array(self._lags)[known],
            seconds=sent_seconds,
            throughput_rps=float(good.sum()) / max(sent_seconds, 1e-9),
            output_tokens=records.output_tokens,
            stop_reason=stop_reason,
            client_cpu_share=cpu_seconds / max(sent_seconds, 1e-9),
            last_error=records.last_error,
        )
