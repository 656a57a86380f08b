"""Puts load on a server: a closed loop that keeps a number of requests in flight."""

import asyncio
import math
import time

import numpy as np
from numpy.typing import NDArray

from load_generator.answer import Answer
from load_generator.open_loop import Send
from load_generator.records import Counts, Limits
from load_generator.sample import Sample
from load_generator.strain import StrainWatch

# A server that refuses at once must not spin the client.
_PAUSE_SECONDS = 0.01
# Answers closer than this share of a round belong to one burst.
_BURST, _LEAST_BURSTS = 0.1, 4
# Share of the time of sending for which answers must have come.
_LEAST_STEADY = 0.5
# Answers that a quarter of them must be, for their middle half to tell the rate.
_LEAST_QUARTER = 10


class ClosedLoop:
    """Keeps requests in flight: each answer is followed by the next request.

    Throughput is counted from the first answer to the last, the first burst of answers left out:
    with batches, counting it would credit work that was done before the count began.

    Args:
        send: Sends a request.
        limits: When to give up.
        first_index: Number of the first request.
        concurrency: Requests in flight.
        seconds: For how long requests are sent.
        patience_seconds: How long to wait for the last answers; those that have not come by then
            count as failed.
    """

    def __init__(
        self,
        send: Send,
        limits: Limits,
        first_index: int = 0,
        *,
        concurrency: int,
        seconds: float,
        patience_seconds: float,
    ) -> None:
        self._send, self._limits, self._first_index = send, limits, first_index
        self._patience = patience_seconds
        self._sent_at: list[float] = []
        self._concurrency, self._seconds = concurrency, seconds
        self._latencies: list[float] = []
        self._answers: list[Answer] = []
        self._done_at: list[float] = []
        self._num_sent = 0

    async def run(self) -> Sample:
        """Runs for the given time, and until the last answers have come."""
        loop, strain = asyncio.get_running_loop(), StrainWatch()
        self._start = time.monotonic()
        tasks = [loop.create_task(self._work()) for _ in range(self._concurrency)]
        try:
            await asyncio.wait(tasks, timeout=self._seconds + self._patience)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._sample(time.monotonic() - self._start, strain)

    def counts(self) -> Counts:
        """How things stand."""
        recent = self._latencies[-1000:]
        slo = self._limits.slo
        return Counts(
            seconds=time.monotonic() - self._start,
            num_sent=self._num_sent,
            num_open=self._num_sent - len(self._answers),
            num_done=len(self._answers),
            num_violations=sum(latency > slo.latency_seconds for latency in self._latencies),
            p99_seconds=float(np.percentile(recent, 99)) if recent else None,
        )

    async def _work(self) -> None:
        time_now = time.monotonic
        while True:
            index, begun = self._first_index + self._num_sent, time_now()
            self._num_sent += 1
            try:
                answer = await self._send(index)
            except asyncio.CancelledError:
                seconds = time_now() - begun
                self._note(begun, Answer(f"no answer within {seconds:.3g} s, when time was up"))
                raise
            self._note(begun, answer)
            if answer.error and time_now() - begun < _PAUSE_SECONDS:
                await asyncio.sleep(_PAUSE_SECONDS)
            # Not before the first: a machine that is slow to begin is no server without an answer.
            if time_now() - self._start >= self._seconds:
                return

    def _note(self, begun: float, answer: Answer) -> None:
        end = time.monotonic()
        self._sent_at.append(begun - self._start)
        self._answers.append(answer)
        self._latencies.append(self._limits.timeout_seconds if answer.error else end - begun)
        if not answer.error:
            self._done_at.append(end)

    def _sample(self, seconds: float, strain: StrainWatch) -> Sample:
        errors = [answer.error for answer in self._answers]
        rate, error = _throughput(
            np.sort(self._done_at), self._concurrency, self._start, self._start + self._seconds
        )
        return Sample(
            due_seconds=np.array(self._sent_at, dtype=np.float64),
            latency_seconds=np.array(self._latencies, dtype=np.float64),
            is_error=np.array([bool(error) for error in errors], dtype=np.bool_),
            ttft_seconds=np.array([a.ttft_seconds for a in self._answers], dtype=np.float64),
            tpot_seconds=np.array([a.tpot_seconds for a in self._answers], dtype=np.float64),
            lag_seconds=np.empty(0),
            seconds=seconds,
            throughput_rps=rate,
            throughput_error=error,
            output_tokens=sum(a.output_tokens for a in self._answers if not a.error),
            strain=strain.result(),
            last_error=next((error for error in reversed(errors) if error), ""),
        )


def _throughput(
    done_at: NDArray[np.float64], concurrency: int, start: float, stop: float
) -> tuple[float, float]:
    """Answers a second between the end of the first round and the end of sending.

    Returns:
        The rate and its relative standard error.
    """
    if len(done_at) == 0:
        return 0.0, 1.0
    # The first `concurrency` answers fill the pipeline; when there are few, leave out one only.
    first = done_at[_end_of_burst(done_at, min(concurrency, len(done_at) // 4), concurrency)]
    steady = done_at[(done_at > first) & (done_at <= stop)]
    if len(steady) == 0 or steady[-1] - first < _LEAST_STEADY * (stop - start):
        # Too short a stretch: a burst of simultaneous answers would look like an endless rate.
        steady, first = done_at, start
        # Without the ends, where the server fills and empties.
        quarter = len(done_at) // 4
        low = done_at[_end_of_burst(done_at, quarter, concurrency)]
        high = done_at[_end_of_burst(done_at, len(done_at) - quarter - 1, concurrency)]
        if quarter >= _LEAST_QUARTER and high - low > (done_at[-1] - start) / 4:
            # Whole bursts: the one at the lower end not at all, the one at the upper end in full.
            steady, first = done_at[(done_at > low) & (done_at <= high)], low
    rate = len(steady) / max(float(steady[-1] - first), 1e-9)
    return rate, relative_error(steady, concurrency)


def _end_of_burst(done_at: NDArray[np.float64], index: int, concurrency: int) -> int:
    """The last of the answers that came together with one; itself where none are bursts.

    The rest of a burst would count without the time that it took.
    """
    round_seconds = (done_at[-1] - done_at[0]) * concurrency / len(done_at)
    end = index
    while end + 1 < len(done_at) and done_at[end + 1] - done_at[end] <= _BURST * round_seconds:
        end += 1
    return end if end - index < min(concurrency, len(done_at) - 1 - index) else index


def relative_error(done_at: NDArray[np.float64], concurrency: int) -> float:
    """Standard error of a rate over the rate, from how unequal the rounds of answers are.

    A round is as many answers as requests are in flight: answers that come in batches, or from
    several workers in turn, are no scatter.

    Args:
        done_at: Instants of answers in seconds, ascending, shape ``[n]``.
        concurrency: Requests in flight.

    Returns:
        The error; 1 when there are too few answers to tell.
    """
    size = min(concurrency, len(done_at) // 4)
    if size == 0:
        return 1.0
    # Answers that come as they please have this error. Few rounds may show more, by their edges.
    independent = 1 / math.sqrt(len(done_at))
    rounds = done_at[size:] - done_at[:-size]
    if rounds.mean() <= 0:  # all at once
        return independent
    of_rounds = float(np.std(rounds) / np.mean(rounds) * math.sqrt(size) * independent)
    return min(independent, of_rounds, _error_of_bursts(done_at, _BURST * float(rounds.mean())))


def _error_of_bursts(done_at: NDArray[np.float64], longest_gap: float) -> float:
    """As ``relative_error``, from how unequal bursts of answers are for the time since the last.

    Batches of fewer requests than are in flight make rounds unequal, and yet are as regular as can
    be.
    """
    starts = np.flatnonzero(np.diff(done_at, prepend=-math.inf) > longest_gap)
    if len(starts) <= _LEAST_BURSTS:
        return 1.0
    gaps, sizes = np.diff(done_at[starts]), np.diff(starts)
    rate = sizes.sum() / gaps.sum()
    return float(np.sqrt(((sizes - rate * gaps) ** 2).sum()) / sizes.sum())
