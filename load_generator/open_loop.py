"""Puts load on a server: an open loop that sends on a schedule."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from load_generator.answer import Answer
from load_generator.records import Counts, Limits, Records
from load_generator.sample import Sample
from load_generator.statistics import design_effect, wilson_lower
from load_generator.strain import StrainWatch

Send = Callable[[int], Awaitable[Answer]]

_WATCH_SECONDS = 0.05
# Early verdicts look again and again: so a strict quantile (one-sided 0.1 %).
_HOPELESS_Z = 3.1


class OpenLoop:
    """Sends requests at scheduled instants, whatever becomes of the earlier ones.

    One timer is armed for the next instant and sends all that is due. It aims at ``start + offset``
    and never at "now + gap", so a late wake-up delays one request and not the schedule; latency
    counts from the scheduled instant, so that delay is in it (no coordinated omission). Times are
    those of ``time.monotonic``: uvloop's own clock has steps of a millisecond.

    Args:
        send: Sends a request.
        limits: When to give up.
        offsets: Scheduled instants since the start in seconds, ascending, shape ``[n]``.
        start: Instant that offsets count from; None for the earliest that there can be. Several
            processes have one.
        indices: Numbers of the requests, shape ``[n]``; None for 0, 1, 2...
    """

    def __init__(
        self,
        send: Send,
        limits: Limits,
        offsets: NDArray[np.float64],
        start: float | None = None,
        indices: NDArray[np.int64] | None = None,
    ) -> None:
        self._send, self._limits = send, limits
        self._offsets: list[float] = offsets.tolist()
        # What is due at 0 or earlier brings the server to work and counts for no verdict.
        self._num_first = int(np.searchsorted(offsets, 0.0, side="right"))
        self._indices = list(range(len(offsets))) if indices is None else indices.tolist()
        lead = max(0.0, -self._offsets[0]) if self._offsets else 0.0
        self._start = time.monotonic() + lead if start is None else start
        self._records = Records(len(offsets))
        self._lags: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._num_sent = 0
        self._open: dict[int, float] = {}
        self._stop_reason = ""

    def stop(self, reason: str) -> None:
        """Ends the loop early, for a reason that is found elsewhere."""
        self._stop_reason = reason

    def counts(self) -> Counts:
        """How things stand."""
        return self._records.counts(
            self._limits.slo,
            max(0.0, time.monotonic() - self._start),
            self._num_sent,
            len(self._open),
        )

    async def run(self) -> Sample:
        """Runs the schedule to its end, or until no verdict but "violated" is possible."""
        loop, strain = asyncio.get_running_loop(), StrainWatch()
        self._all_sent = asyncio.Event()
        self._timer = loop.call_later(0, self._fire)
        try:
            while not self._all_sent.is_set() and not self._stop_reason:
                before = time.monotonic()
                await asyncio.sleep(_WATCH_SECONDS)
                now = time.monotonic()
                strain.timer_was_late(now - before - _WATCH_SECONDS)
                self._stop_reason = self._stop_reason or self._hopeless(now)
            self._timer.cancel()
            sent_seconds = time.monotonic() - self._start
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._limits.drain_seconds)
        finally:
            self._timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        end = time.monotonic()
        for index, due in self._open.items():
            self._records.latency_seconds[index] = end - due
        return self._sample(sent_seconds, strain)

    def _fire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._num_sent < len(self._offsets):
            number = self._num_sent
            due = self._start + self._offsets[number]
            wait = due - time.monotonic()
            if wait > 0:
                self._timer = loop.call_later(wait, self._fire)
                return
            self._lags.append(-wait)
            self._open[number] = due
            task = loop.create_task(self._one(number, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._num_sent += 1
        self._all_sent.set()

    async def _one(self, number: int, due: float) -> None:
        sent = time.monotonic()
        answer = await self._send(self._indices[number])
        timeout = self._limits.timeout_seconds
        self._records.add(number, time.monotonic() - due, sent - due, answer, timeout)
        del self._open[number]

    def _hopeless(self, now: float) -> str:
        limit, first = self._limits.overdue_seconds, self._num_first
        numbers = list(self._open)  # oldest first
        num_overdue = sum(1 for _ in takewhile(lambda due: now - due > limit, self._open.values()))
        num_waiting = sum(number >= first for number in numbers[num_overdue:])
        # Clustered violations are few episodes: one pause of the server is no verdict, however many
        # requests it delays, unless it takes up a good part of the probe.
        is_missed = self._records.is_missed(self._limits.slo)
        is_missed[numbers[:num_overdue]] = True
        is_missed = is_missed[first:]
        counted, missed = max(0, self._num_sent - first) - num_waiting, int(is_missed.sum())
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

    def _sample(self, sent_seconds: float, strain: StrainWatch) -> Sample:
        records, sent = self._records, slice(self._num_sent)
        latencies, is_error = records.latency_seconds[sent], records.is_error[sent]
        # A request cut off before its SLO ran out says nothing; it is left out.
        known = is_error | ~np.isnan(latencies)
        cut = np.isin(np.arange(self._num_sent), list(self._open))
        known &= ~(cut & (latencies <= self._limits.overdue_seconds))
        good = known & ~is_error & ~cut
        return Sample(
            due_seconds=np.array(self._offsets[sent])[known],
            latency_seconds=latencies[known],
            is_error=is_error[known],
            ttft_seconds=records.ttft_seconds[sent][known],
            tpot_seconds=records.tpot_seconds[sent][known],
            lag_seconds=np.array(self._lags)[known],
            seconds=sent_seconds,
            throughput_rps=float(good.sum()) / max(sent_seconds, 1e-9),
            output_tokens=records.output_tokens,
            stop_reason=self._stop_reason,
            strain=strain.result(),
            last_error=records.last_error,
        )
