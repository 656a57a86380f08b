"""Responses from bytes, however the bytes are cut and whatever they are."""

import contextlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_generator import http_response
from load_generator.http_response import HttpError, HttpResponse, ResponseReader

WHOLE = {
    "length": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Trailer: z\r\n\r\n",
    "until close": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: close\r\n\r\nhello",
    "interim": b"HTTP/1.1 100 Continue\r\nX-A: 0\r\n\r\nHTTP/1.1 103 Early\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
}
PERSISTENT = {"length", "chunked", "interim"}


def read(*pieces: bytes, is_head: bool = False) -> HttpResponse:
    reader = ResponseReader()
    reader.expect(is_head=is_head, on_chunk=None)
    for piece in pieces:
        response = reader.feed(piece)
        if response is not None:
            return response
    return reader.end()


@pytest.mark.parametrize("kind", WHOLE)
def test_every_kind_of_body_cut_at_every_byte(kind: str):
    data = WHOLE[kind]
    for cut in range(len(data) + 1):
        response = read(*(piece for piece in (data[:cut], data[cut:]) if piece))
        assert (response.status, response.header("x-a"), response.body) == (200, "1", b"hello")
    assert read(*(data[i : i + 1] for i in range(len(data)))).body == b"hello"


@pytest.mark.parametrize("kind", WHOLE)
def test_every_truncation_is_an_error_or_a_body_without_a_length(kind: str):
    data = WHOLE[kind]
    for cut in range(len(data)):
        if kind == "until close" and cut >= data.index(b"\r\n\r\n") + 4:
            assert read(data[:cut]).body == b"hello"[: cut - len(data) + 5]
        elif cut:
            with pytest.raises(HttpError, match="the server closed the connection"):
                read(data[:cut])


@pytest.mark.parametrize("kind", WHOLE)
def test_chunks_arrive_as_they_come_and_answers_follow_each_other(kind: str):
    reader, chunks = ResponseReader(), list[bytes]()
    data = WHOLE[kind]
    for _ in range(3 if kind in PERSISTENT else 1):
        chunks.clear()
        reader.expect(is_head=False, on_chunk=chunks.append)
        response = None
        for index in range(len(data)):
            response = reader.feed(data[index : index + 1])
        if kind == "until close":
            response = reader.end()
        assert response is not None
        assert chunks == [b"h", b"e", b"l", b"l", b"o"]
        assert reader.is_reusable == (kind in PERSISTENT)


def test_no_body_where_none_may_be():
    for status in (204, 304):
        head = b"HTTP/1.1 %d x\r\nContent-Length: 5\r\n\r\n" % status
        assert read(head) == (status, [(b"Content-Length", b"5")], b"")
    reader = ResponseReader()
    for _ in range(2):
        reader.expect(is_head=True, on_chunk=None)
        response = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        assert response is not None
        assert response.body == b""
        assert reader.is_reusable
    reader.expect(is_head=False, on_chunk=None)
    assert reader.feed(WHOLE["length"]) is not None


@pytest.mark.parametrize("more", [b"x", b"garbage\r\n\r\n", WHOLE["length"], b"\0" * 10])
def test_bytes_after_an_answer_end_the_connection_and_not_the_answer(more: bytes):
    reader = ResponseReader()
    response = reader.feed(WHOLE["length"] + more)
    assert response is not None
    assert response.body == b"hello"
    assert not reader.is_reusable


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd",
        b"HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
        b"HTTP/2 200 \r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_malformed_answers(data: bytes):
    with pytest.raises(HttpError, match="malformed answer"):
        read(data)


def test_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_response, "MAX_BODY_BYTES", 10)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read(head + b"a\r\n0123456789\r\n0\r\n\r\n").body == b"0123456789"
    with pytest.raises(HttpError, match="body of the answer is larger"):
        read(head + b"b\r\n0123456789X\r\n0\r\n\r\n")

    long = b"X-A: " + b"x" * 65_510 + b"\r\n"
    fits = b"HTTP/1.1 200 OK\r\n" + long + b"\r\n"
    assert read(fits).status == 200
    for data in (fits[:-2] + b"X-B: " + b"x" * 30 + b"\r\n\r\n", fits[:20] * 4000):
        with pytest.raises(HttpError, match=r"header of the answer is larger|malformed"):
            read(data)
    reader, line = ResponseReader(), b"X-A: " + b"x" * 993 + b"\r\n"
    reader.feed(b"HTTP/1.1 200 OK\r\n")
    for _ in range(65):
        assert reader.feed(line) is None
    with pytest.raises(HttpError, match="header of the answer is larger"):
        reader.feed(line)
    with pytest.raises(HttpError, match="header of the answer is larger"):
        read(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 100] * 100)


def test_an_error_of_the_reader_of_chunks_is_its_own():
    def refuse(chunk: bytes) -> None:
        raise LookupError(chunk)

    reader = ResponseReader()
    reader.expect(is_head=False, on_chunk=refuse)
    with pytest.raises(LookupError):
        reader.feed(WHOLE["length"])


def test_repeated_headers_are_joined():
    response = read(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: \xe9\r\nContent-Length: 0\r\n\r\n")
    assert response.header("X-A") == "1, é"
    assert response.header("X-B") == ""


def survives(pieces: list[bytes], is_head: bool) -> None:
    """Whatever comes, there is an answer with a status or an ``HttpError``."""
    with contextlib.suppress(HttpError):
        assert 200 <= read(*pieces, is_head=is_head).status <= 999


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


PLACES = st.lists(st.integers(0, 1000), max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), PLACES, st.booleans())
def test_random_bytes(data: bytes, places: list[int], is_head: bool):
    survives(cut(data, places), is_head)
    survives(cut(b"HTTP/1.1 200 OK\r\n" + data, places), is_head)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(WHOLE.values())),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.binary(max_size=6)), max_size=4),
    PLACES,
    st.booleans(),
)
def test_mutated_answers(
    data: bytes, changes: list[tuple[int, int, bytes]], places: list[int], is_head: bool
):
    for place, length, new in changes:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + length :]
    survives(cut(data, places), is_head)
