"""Frames of HTTP/2 and messages of gRPC, one by one: what a server needs in order to misbehave."""

import asyncio
import struct
from dataclasses import dataclass
from typing import NamedTuple

# Frames of RFC 9113, section 6, and their flags.
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK, END_STREAM, END_HEADERS = 1, 1, 4
# Its error codes, section 7.
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 2, 7, 8, 11

PREFACE_BYTES = 24
# Without a table, the headers of each request stand there in full: no state, no decoder.
NO_HEADER_TABLE = struct.pack(">HI", 1, 0)


def message(body: bytes, size: int | None = None) -> bytes:
    """A gRPC message: not compressed, its size, its bytes."""
    return struct.pack(">BI", 0, len(body) if size is None else size) + body


def header(name: bytes, value: bytes) -> bytes:
    """A field of RFC 7541, section 6.2.2: literal, never indexed, plain ASCII."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


_CONTENT_TYPE = header(b":status", b"200") + header(b"content-type", b"application/grpc")


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    head = await reader.readexactly(9)
    kind, flags, stream = struct.unpack(">BBI", head[3:])
    payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
    return Frame(kind, flags, stream, payload)


@dataclass
class Stream:
    """Writes the frames of one stream; of number 0, those of the connection."""

    writer: asyncio.StreamWriter
    number: int

    def write(self, kind: int, flags: int, payload: bytes) -> None:
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
        self.writer.write(head + struct.pack(">I", self.number) + payload)

    def begin(self, body: bytes = b"") -> None:
        self.write(HEADERS, END_HEADERS, _CONTENT_TYPE)
        if body:
            self.write(DATA, 0, body)

    def end(self, status: bytes, *more: bytes) -> None:
        fields = header(b"grpc-status", status) + b"".join(more)
        self.write(HEADERS, END_HEADERS | END_STREAM, fields)

    def go_away(self, code: int, last: int) -> None:
        """Ends the whole connection after the stream of number ``last``."""
        Stream(self.writer, 0).write(GOAWAY, 0, struct.pack(">II", last, code))
