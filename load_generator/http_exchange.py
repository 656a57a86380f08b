"""One connection to a server: one request and its answer at a time."""

import asyncio
import math
from collections.abc import Callable
from typing import cast

from load_generator.http_response import HttpError, HttpResponse, OnChunk, ResponseReader


class IdleCloseError(Exception):
    """The server closed a kept-alive connection before any byte of the answer."""


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(
        self, opened: Callable[["Connection"], None], closed: Callable[["Connection"], None]
    ) -> None:
        self.deadline = math.inf
        self._opened, self._closed = opened, closed
        self._reader = ResponseReader()
        self._answer: asyncio.Future[HttpResponse] | None = None
        self._loop = asyncio.get_running_loop()
        self._is_reused = self._has_bytes = False
        self._aborted_by: Exception | None = None

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def send(
        self, data: bytes, is_head: bool, on_chunk: OnChunk | None, deadline: float
    ) -> asyncio.Future[HttpResponse]:
        """Sends a rendered request; the future brings the answer or why there is none."""
        self._reader.expect(is_head=is_head, on_chunk=on_chunk)
        self._has_bytes = False
        self.deadline = deadline
        self._answer = answer = self._loop.create_future()
        if self._aborted_by is not None:  # between its opening and this
            self.abort(self._aborted_by)
        else:
            self._transport.write(data)
        return answer

    def abort(self, error: Exception) -> None:
        """Closes the connection at once; a request on it fails with ``error``."""
        answer, self._answer, self._aborted_by = self._answer, None, error
        self.deadline = math.inf
        self._transport.abort()
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def time_out(self, seconds: float) -> None:
        self.abort(HttpError(f"no complete answer within {seconds:g} s, {self._reader.progress}"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._opened(self)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked
            self._transport.abort()
            return
        self._has_bytes = True
        try:
            response = self._reader.feed(data)
        except Exception as error:  # on_chunk's own, too, is the request's
            self.abort(error)
            return
        if response is not None:
            self._finish(response, self._reader.is_reusable)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed(self)
        if self._answer is None:
            return
        if self._is_reused and not self._has_bytes:
            self.abort(IdleCloseError())
        elif exc is not None:
            self.abort(HttpError(_loss_error(exc, self._reader.progress)))
        else:
            try:
                self._finish(self._reader.end(), False)
            except HttpError as error:
                self.abort(error)

    def _finish(self, response: HttpResponse, is_reusable: bool) -> None:
        answer = cast("asyncio.Future[HttpResponse]", self._answer)
        self._answer, self.deadline, self._is_reused = None, math.inf, True
        if not is_reusable:
            self._transport.abort()
        if not answer.done():
            answer.set_result(response)


def _loss_error(error: Exception, progress: str) -> str:
    if isinstance(error, ConnectionError):
        return f"the server reset the connection {progress}"
    return f"the connection failed {progress}: {error}"
