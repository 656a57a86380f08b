"""Puts load on a server: a closed loop that keeps a number of requests in flight."""

import asyncio
import time

import numpy as np
from numpy.typing import NDArray

from load_generator.answer import Answer
from load_generator.open_loop import Send
from load_generator.records import Limits
from load_generator.sample import Sample

# A server that refuses at once must not spin the client.
_PAUSE_SECONDS = 0.01


class ClosedLoop:
    """Keeps requests in flight: each answer is followed by the next request.

    Throughput is counted from the first answer to the last, the first burst of answers left out:
    with batches, counting it would credit work that was done before the count began.
    """

    def __init__(self, send: Send, limits: Limits, *, concurrency: int, seconds: float) -> None:
        self._send, self._limits = send, limits
        self._concurrency, self._seconds = concurrency, seconds
        self._latencies: list[float] = []
        self._answers: list[Answer] = []
        self._done_at: list[float] = []
        self._num_sent = 0

    async def run(self) -> Sample:
        """Runs for the given time, and until the last answers have come."""
        loop = asyncio.get_running_loop()
        cpu, self._start = time.process_time(), loop.time()
        tasks = [loop.create_task(self._work()) for _ in range(self._concurrency)]
        try:
            await asyncio.wait(tasks, timeout=self._seconds + self._limits.timeout_seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._sample(loop.time() - self._start, time.process_time() - cpu)

    async def _work(self) -> None:
        time_now = asyncio.get_running_loop().time
        while time_now() - self._start < self._seconds:
            index, begun = self._num_sent, time_now()
            self._num_sent += 1
            answer = await self._send(index)
            end = time_now()
            self._answers.append(answer)
            self._latencies.append(self._limits.timeout_seconds if answer.error else end - begun)
            if not answer.error:
                self._done_at.append(end)
            elif end - begun < _PAUSE_SECONDS:
                await asyncio.sleep(_PAUSE_SECONDS)

    def _sample(self, seconds: float, cpu_seconds: float) -> Sample:
        errors = [answer.error for answer in self._answers]
        start, stop = self._start, self._start + self._seconds
        return Sample(
            latency_seconds=np.array(self._latencies, dtype=np.float64),
            is_error=np.array([bool(error) for error in errors], dtype=np.bool_),
            ttft_seconds=np.array([a.ttft_seconds for a in self._answers], dtype=np.float64),
            tpot_seconds=np.array([a.tpot_seconds for a in self._answers], dtype=np.float64),
            lag_seconds=np.empty(0),
            seconds=seconds,
            throughput_rps=_throughput(np.array(self._done_at), self._concurrency, start, stop),
            output_tokens=sum(a.output_tokens for a in self._answers if not a.error),
            client_cpu_share=cpu_seconds / max(seconds, 1e-9),
            last_error=next((error for error in reversed(errors) if error), ""),
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
