"""A gRPC model server that misbehaves in one named way; its HTTP/2 is written frame by frame.

What is asked before inference is answered well, unless the server is to be bad from the start. Its
capacity is limited, so that the search for its peak ends where there is one.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from protos.inference import open_inference_grpc_pb2 as pb2
from tests.fakes import grpc_frames as h2
from tests.fakes.grpc_frames import Stream, header, message, read_frame
from tests.fakes.listener import close_listener

_INPUT = pb2.ModelMetadataResponse.TensorMetadata(name="x", datatype="FP32", shape=[-1, 4])
_GOOD = {
    b"/ServerReady": pb2.ServerReadyResponse(ready=True),
    b"/ModelReady": pb2.ModelReadyResponse(ready=True),
    b"/ModelMetadata": pb2.ModelMetadataResponse(name="m", inputs=[_INPUT]),
    b"/ModelInfer": pb2.ModelInferResponse(model_name="m"),
}


@dataclass
class Call(Stream):
    """One request, and what may be done about it.

    Attributes:
        server: What took it.
        path: Its headers, with the method's path in them.
        index: Of the inference request, from 0, over all connections.
    """

    server: "BadGrpcServer"
    path: bytes
    index: int

    async def answer(self, body: bytes | None = None) -> None:
        """Answers after the service time; without a body, with the right one."""
        await self.server.work()
        self.answer_now(body)

    def answer_now(self, body: bytes | None = None) -> None:
        """Answers at once."""
        good = next(good for path, good in _GOOD.items() if path in self.path)
        self.begin(message(good.SerializeToString()) if body is None else body)
        self.end(b"0")

    async def fail(self, status: bytes, *more: bytes) -> None:
        """Ends with a status and without an answer."""
        await self.server.work()
        self.begin()
        self.end(status, *more)

    async def reset_stream(self, code: int) -> None:
        await self.server.work()
        self.write(h2.RST_STREAM, 0, struct.pack(">I", code))


Behaviour = Callable[[Call], Awaitable[None]]


async def good(call: Call) -> None:
    await call.answer()


async def half_open(call: Call) -> None:
    """Never answers."""


async def resets_the_stream(call: Call) -> None:
    await call.reset_stream(h2.INTERNAL_ERROR)


async def refuses_the_stream(call: Call) -> None:
    """Says in HTTP/2 that the request was not looked at; gRPC's usual settings repeat it."""
    await call.reset_stream(h2.REFUSED_STREAM)


async def cancels_the_stream(call: Call) -> None:
    """Must not look like the cancelling of a task."""
    await call.reset_stream(h2.CANCEL)


async def goes_away(call: Call) -> None:
    """Throws the client out at each request."""
    await call.server.work()
    call.go_away(h2.ENHANCE_YOUR_CALM, 0)
    call.writer.close()


async def moves_on(call: Call) -> None:
    """Ends the connection in good order every 40 requests, as proxies do to balance the load."""
    if call.index % 40 == 39:
        call.go_away(h2.NO_ERROR, call.number)
    await call.answer()


async def resets_the_connection(call: Call) -> None:
    connection: socket.socket = call.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.writer.transport.abort()


async def other_protocol(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def junk(call: Call) -> None:
    """A good status, and bytes that are no ModelInferResponse."""
    await call.answer(message(b"\xff\xff\xff\xffjunk"))


async def truncated(call: Call) -> None:
    """A good status after 10 of 100 bytes."""
    await call.answer(message(b"0123456789", size=100))


async def empty(call: Call) -> None:
    """A good status and no answer."""
    await call.fail(b"0")


async def no_status(call: Call) -> None:
    await call.server.work()
    call.begin()
    call.write(h2.DATA, h2.END_STREAM, message(_GOOD[b"/ModelInfer"].SerializeToString()))


async def unknown_status(call: Call) -> None:
    await call.fail(b"99")


async def strange_text(call: Call) -> None:
    """Says what went wrong in bytes that are no UTF-8."""
    await call.fail(b"13", header(b"grpc-message", b"%FF%FE\x80"))


async def error_page(call: Call) -> None:
    """What a proxy answers when the server behind it is away."""
    fields = header(b":status", b"503") + header(b"content-type", b"text/html")
    call.write(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, fields)


async def slow_loris(call: Call) -> None:
    call.begin(message(b"", size=1_000_000))
    while not call.writer.is_closing():
        call.write(h2.DATA, 0, b"x")
        await asyncio.sleep(0.05)


async def only_errors(call: Call) -> None:
    await call.fail(b"14", header(b"grpc-message", b"busy"))


async def burst_of_errors(call: Call) -> None:
    await (only_errors if 50 <= call.index < 70 else good)(call)


async def restarts(call: Call) -> None:
    """Goes away at one of the requests, and is back at the fourth attempt to connect."""
    if call.index == 50:
        call.server.vanish(num_refused=3)
    else:
        await call.answer()


BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.__name__: behaviour
    for behaviour in (
        good, half_open, resets_the_stream, refuses_the_stream, cancels_the_stream, goes_away,
        moves_on, resets_the_connection, other_protocol, junk, truncated, empty, no_status,
        unknown_status, strange_text, error_page, slow_loris, only_errors, burst_of_errors,
        restarts,
    )
}  # fmt: skip


@dataclass
class BadGrpcServer:
    """Serves one behaviour.

    Attributes:
        behaviour: What to do with a request.
        since: Begin with a connection before its first frame, with any call, or with inference.
        service_seconds: Time of one request; one is served at a time.
    """

    behaviour: Behaviour
    since: Literal["connection", "call", "inference"] = "inference"
    service_seconds: float = 0.0
    port: int = 0
    num_requests: int = 0
    _free_at: float = 0.0
    _num_refused: int = 0
    _writers: dict["asyncio.Task[None]", asyncio.StreamWriter] = field(default_factory=dict)

    async def work(self) -> None:
        """Waits for its turn, and for the service time."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + self.service_seconds
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)

    def vanish(self, num_refused: int) -> None:
        """Loses all connections, and as many attempts to connect."""
        self._num_refused = num_refused
        for writer in self._writers.values():
            writer.transport.abort()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._num_refused:
            self._num_refused -= 1
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._writers[task] = writer
        task.add_done_callback(self._writers.pop)

    async def aclose(self) -> None:
        while self._writers:
            self.vanish(num_refused=1000)
            for task in self._writers:
                task.cancel()
            await asyncio.gather(*self._writers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _cancelled_at_the_end() as calls:
            try:
                await self._talk(reader, writer, calls)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # the client has gone
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, calls: "_Tasks"
    ) -> None:
        await reader.readexactly(h2.PREFACE_BYTES)
        if self.since == "connection":
            await self.behaviour(Call(writer, 0, self, b"", -1))
            await reader.read()
            return
        connection = Stream(writer, 0)
        connection.write(h2.SETTINGS, 0, h2.NO_HEADER_TABLE)
        connection.write(h2.WINDOW_UPDATE, 0, struct.pack(">I", 2**30))
        paths: dict[int, bytes] = {}
        while not writer.is_closing():
            frame = await read_frame(reader)
            if frame.kind in (h2.SETTINGS, h2.PING) and not frame.flags & h2.ACK:
                echo = frame.payload if frame.kind == h2.PING else b""
                connection.write(frame.kind, h2.ACK, echo)
            if frame.kind == h2.HEADERS:
                paths[frame.stream] = frame.payload
            if frame.kind in (h2.HEADERS, h2.DATA) and frame.flags & h2.END_STREAM:
                path = paths.pop(frame.stream)
                calls.add(asyncio.ensure_future(self._react(writer, frame.stream, path)))

    async def _react(self, writer: asyncio.StreamWriter, stream: int, path: bytes) -> None:
        is_inference = b"/ModelInfer" in path
        call = Call(writer, stream, self, path, self.num_requests)
        self.num_requests += is_inference
        if is_inference or self.since == "call":
            await self.behaviour(call)
        else:
            call.answer_now()


_Tasks = set["asyncio.Task[None]"]


@contextlib.asynccontextmanager
async def _cancelled_at_the_end() -> AsyncIterator[_Tasks]:
    tasks: _Tasks = set()
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(server: BadGrpcServer) -> AsyncIterator[BadGrpcServer]:
    """Runs the server on a loopback port of its own."""
    listener = await asyncio.start_server(server.accept, "127.0.0.1", server.port)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        await close_listener(listener)
        await server.aclose()
