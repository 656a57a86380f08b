"""Server-sent events: what the standard says of each line, and any chunking of any bytes."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_generator.event_stream import Event, EventStream, EventStreamError

# Bytes that make up streams, so that random ones hold lines, fields and events.
_PIECES = st.sampled_from(
    [b"data", b"event", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"data: x\n\n", b"\xef\xbb\xbf"]
    + [b"id", b"\xc3", b"\xa4", b"\x00", b"[DONE]"]
)
_STREAMS = st.one_of(st.binary(max_size=80), st.lists(_PIECES, max_size=30).map(b"".join))


def parse(chunks: list[bytes], max_bytes: int = 1000) -> tuple[list[Event], bool]:
    """The events, and whether the stream was refused at some point."""
    events: list[Event] = []
    stream = EventStream(events.append, max_bytes)
    try:
        for chunk in chunks:
            stream.feed(chunk)
    except EventStreamError:
        return events, True
    return events, False


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [Event("a")]),
        (b"data: a\r\rdata: b\r\n\r\n", [Event("a"), Event("b")]),
        (b"data: a\r\ndata: b\n\r", [Event("a\nb")]),
        (b"data:a\n\ndata:  a\n\n", [Event("a"), Event(" a")]),
        (b"data\n\ndata:\ndata\n\n", [Event(""), Event("\n")]),
        (b"data: a:b\n\n", [Event("a:b")]),
        (b": comment\n:\n\ndata: a\n: again\n\n", [Event("a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [Event("a", "error"), Event("b")]),
        (b"event: error\n\ndata: b\n\n", [Event("b")]),
        (b"id: 1\nretry: 10\nDATA: x\n data: y\nnonsense\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [Event("a")]),
        (b"\n\ndata: \xc3\xa4\xff\n\n", [Event("ä\ufffd")]),
        (b"data: unfinished\n", []),
        (b"", []),
    ],
)
def test_the_standard(stream: bytes, events: list[Event]):
    assert parse([stream]) == (events, False)
    assert parse([stream[i : i + 1] for i in range(len(stream))]) == (events, False)


def test_an_event_comes_as_soon_as_its_last_byte():
    events: list[Event] = []
    stream = EventStream(events.append)
    stream.feed(b"data: a\r\n\r")
    assert events == [Event("a")]
    stream.feed(b"\ndata: b\n")
    stream.feed(b"\n")
    assert events == [Event("a"), Event("b")]


@settings(deadline=None)
@given(_STREAMS, st.lists(st.integers(0, 80)), st.sampled_from([6, 20, 1000]))
def test_any_chunking_gives_the_same_events(stream: bytes, cuts: list[int], max_bytes: int):
    places = [0, *sorted(cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert parse(chunks, max_bytes) == parse([stream], max_bytes)


@pytest.mark.parametrize(
    "chunk", [b"data: " + b"x" * 50, b"data: x\n" * 9, b": " + b"x" * 50, b"x" * 50 + b"\n"]
)
def test_an_endless_event_is_refused(chunk: bytes):
    before = [Event("a")]
    assert parse([b"data: a\n\n" + chunk], 40) == (before, True)
    with pytest.raises(EventStreamError, match="must have at most 40 bytes, but got b'"):
        EventStream(before.append, 40).feed(chunk)


def test_events_do_not_add_up_to_the_limit():
    assert parse([b"data: x\n\n"] * 100, 40) == ([Event("x")] * 100, False)
