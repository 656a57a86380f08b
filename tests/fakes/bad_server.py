"""A web server that misbehaves in one named way; every answer is written byte by byte.

The first requests get good answers, so that a load test finds it ready. Its capacity is limited, so
that the search for its peak ends where there is one.
"""

import asyncio
import contextlib
import heapq
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from tests.fakes.listener import close_listener

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TRUNCATED = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"


@dataclass
class Exchange:
    """One request and what may be done about it.

    Attributes:
        number: Of the request, from 0, over all connections.
    """

    server: "BadServer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, data: bytes = OK) -> None:
        """Answers after the service time."""
        await self.server.work()
        self.write(data)

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def until_client_leaves(self) -> None:
        await self.reader.read()
        self.close()


Behaviour = Callable[[Exchange], Awaitable[None]]


async def good(exchange: Exchange) -> None:
    await exchange.answer()


async def idle_close(exchange: Exchange) -> None:
    """Keeps alive in words, and closes right after each answer."""
    await exchange.answer()
    exchange.close()


async def half_open(exchange: Exchange) -> None:
    await exchange.until_client_leaves()


async def slow_loris(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not exchange.writer.is_closing():
        exchange.write(b"x")
        await asyncio.sleep(0.05)


async def malformed(exchange: Exchange) -> None:
    await exchange.answer(b"HTTP/1.1 OK 200\r\n\r\n")


async def other_protocol(exchange: Exchange) -> None:
    await exchange.answer(b"SSH-2.0-OpenSSH_9.2\r\n")


async def truncated(exchange: Exchange) -> None:
    await exchange.answer(TRUNCATED)
    exchange.close()


async def reset_in_body(exchange: Exchange) -> None:
    await exchange.answer(TRUNCATED)
    await exchange.writer.drain()
    await asyncio.sleep(0.01)  # an RST overtakes bytes that have not been read
    exchange.reset()


async def resets(exchange: Exchange) -> None:
    """Resets three in ten requests without an answer."""
    if exchange.server.random.random() < 0.3:
        exchange.reset()
    else:
        await exchange.answer()


async def rare_errors(exchange: Exchange) -> None:
    await exchange.answer(UNAVAILABLE if exchange.number % 500 == 60 else OK)


async def burst_of_errors(exchange: Exchange) -> None:
    await exchange.answer(UNAVAILABLE if 50 <= exchange.number < 70 else OK)


async def only_errors(exchange: Exchange) -> None:
    await exchange.answer(UNAVAILABLE)


async def surplus(exchange: Exchange) -> None:
    """Sends more after the answer than was asked for."""
    await exchange.answer(OK + b"garbage\r\n\r\n")


async def endless_header(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(ConnectionError):
        while not exchange.writer.is_closing():
            exchange.write(b"X-Filler: " + b"x" * 4000 + b"\r\n")
            await exchange.writer.drain()


async def restart(exchange: Exchange) -> None:
    """Goes away for half a second at one of the requests."""
    if exchange.number == 50:
        exchange.server.restart(0.5)
    else:
        await exchange.answer()


BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.__name__: behaviour
    for behaviour in (
        good, idle_close, half_open, slow_loris, malformed, other_protocol, truncated,
        reset_in_body, resets, rare_errors, burst_of_errors, only_errors, surplus, endless_header,
        restart,
    )
}  # fmt: skip


@dataclass
class BadServer:
    """Serves ``behaviour`` after ``num_good`` good answers, ``workers`` requests at a time."""

    behaviour: Behaviour
    num_good: int = 0
    service_seconds: float = 0.0
    workers: int = 2
    tls: ssl.SSLContext | None = None
    num_connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(0))
    port: int = 0
    host: str = "127.0.0.1"
    _num_requests: int = 0
    _free: list[float] = field(default_factory=list)
    _tasks: dict["asyncio.Task[None]", asyncio.StreamWriter] = field(default_factory=dict)
    _restarting: "asyncio.Task[None] | None" = None

    async def work(self) -> None:
        """Waits for a free worker, and for its service time."""
        now = asyncio.get_running_loop().time()
        end = max(now, heapq.heappop(self._free)) + self.service_seconds
        heapq.heappush(self._free, end)
        if end > now:
            await asyncio.sleep(end - now)

    async def listen(self) -> None:
        self._free = [0.0] * self.workers
        self._server = await asyncio.start_server(
            self._accept, self.host, self.port, ssl=self.tls, backlog=1000
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def restart(self, seconds: float) -> None:
        self._restarting = asyncio.ensure_future(self._restart(seconds))

    async def _restart(self, seconds: float) -> None:
        await self._shut()
        await asyncio.sleep(seconds)
        await self.listen()

    async def aclose(self) -> None:
        if self._restarting is not None:
            await self._restarting
        await self._shut()

    async def _shut(self) -> None:
        await close_listener(self._server)
        while self._tasks:
            for task, writer in list(self._tasks.items()):
                writer.transport.abort()
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.num_connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the client or the server has gone
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        for line in request.lower().split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                request += await reader.readexactly(int(value))
        number, self._num_requests = self._num_requests, self._num_requests + 1
        if number < 100:
            self.requests.append(request)
        exchange = Exchange(self, reader, writer, number)
        await (good if number < self.num_good else self.behaviour)(exchange)


@contextlib.asynccontextmanager
async def serving(server: BadServer) -> AsyncIterator[BadServer]:
    """Runs the server on a loopback port of its own."""
    await server.listen()
    try:
        yield server
    finally:
        await server.aclose()
