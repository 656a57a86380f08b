"""HTTP/1.1 responses from the bytes of a connection; knows no sockets."""

from collections.abc import Callable
from typing import NamedTuple

from httptools import (
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

MAX_HEADER_BYTES = 64 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024

OnChunk = Callable[[bytes], None]


class HttpError(Exception):
    """A request got no complete and well-formed answer; the message says why in plain words."""


class HttpResponse(NamedTuple):
    """A complete answer.

    Attributes:
        status: 200 to 999; interim answers (1xx) are not shown.
        headers: Names and values as they were sent.
        body: The body without its transfer coding.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str:
        """The values of a header, joined by commas; empty when it is missing."""
        wanted = name.lower().encode()
        return ", ".join(v.decode("latin-1") for n, v in self.headers if n.lower() == wanted)


class ResponseReader:
    """Parses the answers that arrive on one connection, one after the other.

    Call ``expect`` when a request is sent and ``feed`` with what arrives. The methods named
    ``on_...`` are called by the parser, which turns whatever they raise into an error of its own.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._is_head = False
        self.expect(is_head=False, on_chunk=None)

    def expect(self, *, is_head: bool, on_chunk: OnChunk | None) -> None:
        """Gets ready for the answer to a request.

        Args:
            is_head: Whether the method is HEAD, whose answer has no body whatever it announces.
            on_chunk: Called with each piece of the body as soon as it is there.
        """
        if self._is_head:
            self._parser = HttpResponseParser(self)  # the old one waits for the announced body
        self._is_head, self._on_chunk = is_head, on_chunk
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = self._bare_bytes = self._status = 0
        self._has_head = self._is_complete = self._keeps_alive = self._has_surplus = False
        self._fault = ""
        self._chunk_error: Exception | None = None

    def feed(self, data: bytes) -> HttpResponse | None:
        """Takes bytes, and returns the answer once it is complete.

        Raises:
            HttpError: the answer is malformed or too large.
            Exception: whatever ``on_chunk`` raised.
        """
        self._bare_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self._chunk_error is not None:
                raise self._chunk_error from None
            if not self._is_complete and not self._fault:
                raise HttpError(f"malformed answer: {error}") from None
            self._has_surplus = True
        if self._fault:
            raise HttpError(self._fault)
        if self._is_complete:
            return self._response()
        if self._bare_bytes > MAX_HEADER_BYTES:
            raise HttpError(_HEADER_TOO_LARGE)
        return None

    def end(self) -> HttpResponse:
        """Takes the end of the connection, which completes an answer without a length.

        Raises:
            HttpError: the answer is not complete.
        """
        if not self._has_head:
            what = "in the header of" if self._bare_bytes else "without"
            raise HttpError(f"the server closed the connection {what} an answer")
        response = self._response()
        coding = response.header("transfer-encoding").lower()
        length = response.header("content-length")
        if coding.endswith("chunked"):
            raise HttpError(
                f"the server closed the connection after {self._body_bytes} bytes of a chunked body"
            )
        if length and not coding:
            raise HttpError(
                f"the server closed the connection after {self._body_bytes} of {length} bytes"
            )
        return response

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can take another request after this answer."""
        return self._keeps_alive and not self._has_surplus

    @property
    def progress(self) -> str:
        """How far the answer has come, in words."""
        if self._has_head:
            return f"after {self._body_bytes} bytes of the body"
        return "in the header of the answer" if self._bare_bytes else "without an answer"

    def _response(self) -> HttpResponse:
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        return HttpResponse(self._status, self._headers, whole)

    def on_message_begin(self) -> None:
        if self._is_complete:
            self._has_surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # else it belongs to the trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_complete:
            return
        self._status = self._parser.get_status_code()
        self._has_head = self._status >= 200
        if self._status < 100 or self._status == 101:
            self._fault = f"malformed answer: status {self._status}"
        elif self._bare_bytes > MAX_HEADER_BYTES and self._header_bytes() > MAX_HEADER_BYTES:
            self._fault = _HEADER_TOO_LARGE
        elif self._is_head and self._has_head:
            self.on_message_complete()

    def on_body(self, data: bytes) -> None:
        if self._is_complete:
            self._has_surplus = True
            return
        if not self._has_head or self._fault:
            return
        self._bare_bytes = 0
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY_BYTES:
            self._fault = f"the body of the answer is larger than {MAX_BODY_BYTES} bytes"
            return
        self._body.append(data)
        if self._on_chunk is not None:
            try:
                self._on_chunk(data)
            except Exception as error:
                self._chunk_error = error
                raise

    def on_message_complete(self) -> None:
        if self._has_head:
            if not self._is_complete:
                self._keeps_alive = self._parser.should_keep_alive()
            self._is_complete = True
        else:  # an interim answer; the real one follows
            self._headers = []

    def _header_bytes(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self._headers)


_HEADER_TOO_LARGE = f"the header of the answer is larger than {MAX_HEADER_BYTES} bytes"
