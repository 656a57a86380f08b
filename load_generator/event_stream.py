"""Parser of server-sent events, the format in which language models stream their answers.

It follows section 9.2.6 of the WHATWG HTML standard, for any division of the bytes into chunks.
The fields ``id`` and ``retry`` are skipped: they concern reconnecting, which a meter never does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

# Many times the longest event of a model server: what goes beyond it is no answer but a fault.
MAX_EVENT_BYTES = 2**20

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n?|\n")


class EventStreamError(ValueError):
    """An event is longer than the limit; the message states the rule."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event.

    Attributes:
        data: Its data lines, joined by line feeds.
        type: Its ``event`` field.
    """

    data: str
    type: str = "message"


class EventStream:
    """Turns the bytes of one stream into events.

    An event that no blank line ends is dropped, as the standard has it.

    Args:
        on_event: Called with each event as soon as it is complete.
        max_bytes: Most bytes of one event.
    """

    def __init__(self, on_event: Callable[[Event], None], max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._on_event, self._max_bytes = on_event, max_bytes
        self._line = bytearray()
        self._data: list[str] = []
        self._num_data_bytes = 0
        self._type = ""
        self._is_at_start = True
        self._has_seen_cr = False

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes, and hands on the events that they complete.

        Raises:
            EventStreamError: an event is too long; the stream cannot be read any further.
        """
        if self._is_at_start:
            chunk = self._without_byte_order_mark(chunk)
        if self._has_seen_cr and chunk:
            # The carriage return ended its line at once; this line feed belongs to it.
            self._has_seen_cr = False
            chunk = chunk.removeprefix(b"\n")
        begin = 0
        for end in _LINE_END.finditer(chunk):
            self._line += chunk[begin : end.start()]
            begin = end.end()
            self._check_length()
            self._take(bytes(self._line))
            self._line.clear()
        self._line += chunk[begin:]
        self._has_seen_cr |= chunk.endswith(b"\r")
        self._check_length()

    def _without_byte_order_mark(self, chunk: bytes) -> bytes:
        """The bytes so far, once they are enough to tell a byte order mark."""
        chunk = bytes(self._line) + chunk
        self._line.clear()
        if len(chunk) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(chunk):
            self._line += chunk
            return b""
        self._is_at_start = False
        return chunk.removeprefix(_BYTE_ORDER_MARK)

    def _check_length(self) -> None:
        if self._num_data_bytes + len(self._line) > self._max_bytes:
            raise EventStreamError(
                f"an event of the stream must have at most {self._max_bytes} bytes, "
                f"but got {bytes(self._line[:60])!r}..."
            )

    def _take(self, line: bytes) -> None:
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._num_data_bytes += len(line)
            self._data.append(_text(value))
        elif name == b"event":
            self._type = _text(value)

    def _dispatch(self) -> None:
        # Without data there is no event, even if it has a type.
        event = Event("\n".join(self._data), self._type or "message") if self._data else None
        self._data.clear()
        self._num_data_bytes, self._type = 0, ""
        if event is not None:
            self._on_event(event)


def _text(value: bytes) -> str:
    return value.removeprefix(b" ").decode("utf-8", "replace")
