"""A server with the queue of ``batch_queue``, in a process of its own, over HTTP.

``python -m benchmarks.load_generator.simulated_server --base-ms 20`` prints its port. Service is
planned from arrivals and from earlier plans, and not from when the event loop woke up: late timers
can delay an answer by a millisecond, but cost no capacity. How late answers were for that is told
at ``/lateness``, of those alone that were planned within the SLO: a client that overloads the
server keeps its core busy with connections, and what is late anyway may be later. It speaks as much
of Open Inference v2 as perf_analyzer asks for; any other request is an inference too.
"""

import argparse
import asyncio
import heapq
import json
import math
import re
import time
from array import array
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import cast

import httptools

from benchmarks.load_generator.batch_queue import BatchQueue
from load_generator.event_loop import new_event_loop

MODEL = "simulated"
_INPUT = {"name": "x", "datatype": "FP32", "shape": [4]}
_OUTPUT = {"name": "y", "datatype": "FP32", "shape": [1]}
_ANSWER = json.dumps({"model_name": MODEL, "id": "%s", "outputs": [{**_OUTPUT, "data": [0.0]}]})
_ID = re.compile(rb'"id" *: *"([\w-]*)"')
_STATISTICS = {"name": MODEL, "version": "1", "inference_count": 0, "execution_count": 0}
_PAGES = {
    "/v2": {"name": MODEL, "version": "1", "extensions": []},
    "/v2/health/live": {},
    "/v2/health/ready": {},
    f"/v2/models/{MODEL}/ready": {},
    f"/v2/models/{MODEL}": {
        "name": MODEL,
        "versions": ["1"],
        "platform": "python",
        "inputs": [_INPUT],
        "outputs": [_OUTPUT],
    },
    f"/v2/models/{MODEL}/config": {
        "name": MODEL,
        "max_batch_size": 0,
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [4]}],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [1]}],
    },
    f"/v2/models/{MODEL}/stats": {"model_stats": [_STATISTICS]},
}
_PAGES |= {"/v2/models/stats": _PAGES[f"/v2/models/{MODEL}/stats"]}

CallAt = Callable[[float, Callable[[], None]], object]
OnBatch = Callable[[float, float], object]


class Engines:
    """Plans batches as requests arrive.

    Args:
        queue: How batches are formed and how long they take.
        call_at: Calls back at an instant; the clock is the caller's.
        stall_number: The request, counted from 1, whose batch takes ``stall_seconds`` longer, as
            if the whole server had stopped.
        stall_seconds: See there.
        on_batch: Called when a batch is answered, with the instant that was planned for it and the
            least latency of its requests by that plan.
    """

    def __init__(
        self,
        queue: BatchQueue,
        call_at: CallAt,
        stall_number: int = 0,
        stall_seconds: float = 0.0,
        on_batch: OnBatch = lambda *_: None,
    ) -> None:
        self._queue, self._call_at, self._on_batch = queue, call_at, on_batch
        self._stall_number, self._stall_seconds = stall_number, stall_seconds
        self._free = [-math.inf] * queue.engines
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._num_served = 0
        self._wake_at = math.inf

    def arrive(self, now: float, answer: Callable[[], None]) -> None:
        """Takes a request; ``answer`` is called when it has been served."""
        self._waiting.append((now, answer))
        self._plan(now)

    def _plan(self, now: float) -> None:
        """Starts every batch that is due, and comes back when the next may be."""
        queue, waiting = self._queue, self._waiting
        while waiting:
            is_full = len(waiting) >= queue.max_batch
            ready_at = waiting[0][0] + queue.delay_seconds
            if is_full:
                ready_at = min(ready_at, waiting[queue.max_batch - 1][0])
            start = max(self._free[0], ready_at)
            if start > now:
                if start < self._wake_at:  # an arrival can bring it forward: a batch may be full
                    self._wake_at = start
                    self._call_at(start, partial(self._wake, start))
                return
            self._serve(start)

    def _wake(self, planned: float) -> None:
        if planned == self._wake_at:  # else an earlier call has taken its place
            self._wake_at = math.inf
            self._plan(planned)

    def _serve(self, start: float) -> None:
        answers: list[Callable[[], None]] = []
        arrival = start
        while self._waiting and len(answers) < self._queue.max_batch:
            if self._waiting[0][0] > start:
                break
            arrival, answer = self._waiting.popleft()
            answers.append(answer)
        end = start + self._queue.service_seconds(len(answers))
        before, self._num_served = self._num_served, self._num_served + len(answers)
        if before < self._stall_number <= self._num_served:
            end += self._stall_seconds
            self._free = [max(end, free) for free in self._free]  # all engines: equal, so a heap
        else:
            heapq.heapreplace(self._free, end)

        def done() -> None:
            self._on_batch(end, end - arrival)
            for answer in answers:
                answer()

        self._call_at(end, done)


class _Connection(asyncio.Protocol):
    """One connection; requests on it are answered in order."""

    def __init__(self, engines: Engines, lateness: "array[float]") -> None:
        self._engines, self._lateness = engines, lateness
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path = url.decode("latin-1").rstrip("/")
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        page = _PAGES.get(self._path)
        if page is not None:
            self._answer(json.dumps(page))
        elif self._path == "/lateness":
            self._answer(json.dumps(lateness_quantiles(self._lateness)))
        else:
            # perf_analyzer finds the request of an answer by the id that both have.
            match = _ID.search(self._body)
            text = _ANSWER % (match[1].decode() if match else "")
            self._engines.arrive(time.monotonic(), partial(self._answer, text))

    def _answer(self, text: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(_HEAD % len(text) + text.encode())


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def lateness_quantiles(lateness: "array[float]") -> dict[str, float]:
    """How many seconds 99 and 99.9 % of the batches were late at most."""
    seconds = sorted(lateness) or [0.0]
    return {str(share): seconds[int(share * len(seconds))] for share in (0.99, 0.999)}


async def _serve(arguments: argparse.Namespace) -> None:
    loop, lateness = asyncio.get_running_loop(), array("d")

    def call_at(when: float, callback: Callable[[], None]) -> None:
        loop.call_later(max(0.0, when - time.monotonic()), callback)

    def on_batch(planned: float, latency: float) -> None:
        if latency <= arguments.slo_ms / 1000:
            lateness.append(time.monotonic() - planned)

    queue = BatchQueue(
        arguments.engines,
        arguments.base_ms / 1000,
        arguments.request_ms / 1000,
        arguments.max_batch,
        arguments.delay_ms / 1000,
    )
    stall = arguments.stall_number, arguments.stall_ms / 1000
    engines = Engines(queue, call_at, *stall, on_batch)
    server = await loop.create_server(
        lambda: _Connection(engines, lateness), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_generator.simulated_server")
    add = parser.add_argument
    add("--engines", type=int, default=1, help="batches served at a time (default: 1)")
    add("--base-ms", type=float, required=True, help="service time of a batch")
    add("--request-ms", type=float, default=0, help="on top for each request in it (default: 0)")
    add("--max-batch", type=int, default=1, help="most requests in a batch (default: 1)")
    add("--delay-ms", type=float, default=0, help="wait for others to share a batch (default: 0)")
    add("--stall-number", type=int, default=0, help="request that stalls the server, from 1")
    add("--stall-ms", type=float, default=0, help="for how long")
    add("--slo-ms", type=float, default=math.inf,
        help="SLO: /lateness leaves out what was planned to be later (default: none)")  # fmt: skip
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
