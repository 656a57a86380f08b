"""A model server whose capacity is exact: fixed service time, known concurrency, v1, v2 and HTTP.

``python -m tests.fakes.model_server --port 0 --service-ms 5 --workers 2`` prints its port. Service
ends are planned from each other and not from when the event loop woke up, so that timers cannot
lower the capacity.
"""

import argparse
import asyncio
import heapq
from dataclasses import dataclass, field

from aiohttp import web

_METADATA = {"name": "m", "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]}


@dataclass
class ModelServer:
    """Serves ``workers`` requests at a time, ``service_seconds`` each, first come first served."""

    service_seconds: float
    workers: int = 1
    fail_share: float = 0.0
    stall_at: float = float("inf")
    stall_seconds: float = 0.0
    is_ready: bool = True
    model: str = "m"
    num_requests: int = 0
    _free: list[float] = field(default_factory=list)
    _start: float = -1.0

    async def infer(self, request: web.Request) -> web.Response:
        arrival = asyncio.get_running_loop().time()
        if self._start < 0:
            self._start, self._free = arrival, [arrival] * self.workers
        self.num_requests += 1
        begin = max(arrival, heapq.heappop(self._free))
        if begin - self._start > self.stall_at:
            begin, self.stall_at = begin + self.stall_seconds, float("inf")
        end = begin + self.service_seconds
        heapq.heappush(self._free, end)
        await request.read()
        await asyncio.sleep(end - asyncio.get_running_loop().time())
        if (self.num_requests * 7919 % 1000) / 1000 < self.fail_share:
            return web.Response(status=500, text="planned failure")
        return web.json_response({"outputs": []})

    async def ready(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self.is_ready else 503)

    async def metadata(self, request: web.Request) -> web.Response:
        return web.json_response(_METADATA)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get(f"/v2/models/{self.model}/ready", self.ready)
        app.router.add_get(f"/v2/models/{self.model}", self.metadata)
        app.router.add_post(f"/v2/models/{self.model}/infer", self.infer)
        app.router.add_get(f"/v1/models/{self.model}", self.ready)
        app.router.add_post(f"/v1/models/{self.model}:predict", self.infer)
        app.router.add_get("/", self.infer)
        return app


async def serve(server: ModelServer, port: int = 0) -> tuple[web.AppRunner, int]:
    """Starts the server on a loopback port and returns what stops it, and the port."""
    runner = web.AppRunner(server.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, int(runner.addresses[0][1])


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--service-ms", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--model", default="m")
    arguments = parser.parse_args()
    seconds = arguments.service_ms / 1000
    server = ModelServer(seconds, arguments.workers, model=arguments.model)
    _, port = await serve(server, arguments.port)
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main())
    else:
        uvloop.run(_main())
