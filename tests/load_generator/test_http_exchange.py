"""Requests and answers on one connection, against real sockets, on both event loops."""

import asyncio
import time

import pytest

from load_generator.http_connection import HttpPool
from load_generator.http_exchange import Connection
from load_generator.http_response import HttpError, HttpResponse
from tests.fakes.bad_server import BEHAVIOURS, OK, TRUNCATED, BadServer, Exchange, serving
from tests.load_generator.http_pools import Run, always, get, with_pool


def test_the_request_on_the_wire(run: Run[None]):
    server = always(OK)

    async def work(pool: HttpPool) -> None:
        await pool.request("POST", "/v2/models/m/infer", b"{}", {"X-B": "2"})
        await pool.request("GET", "")
        await pool.request("POST", "/e")

    run(with_pool(server, work, "/base/?q=1", headers={"X-A": "1"}))
    host = b"Host: 127.0.0.1:%d\r\n" % server.port
    assert server.requests == [
        b"POST /base/v2/models/m/infer HTTP/1.1\r\n" + host + b"X-A: 1\r\nX-B: 2\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"GET /base/?q=1 HTTP/1.1\r\n" + host + b"X-A: 1\r\n\r\n",
        b"POST /base/e HTTP/1.1\r\n" + host + b"X-A: 1\r\nContent-Length: 0\r\n\r\n",
    ]


@pytest.mark.parametrize(
    ("answer", "num_connections"),
    [
        (OK, 1),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 3),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 3),
        (OK + b"garbage", 3),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 1),
    ],
)
def test_whether_a_connection_is_kept(answer: bytes, num_connections: int, run: Run[None]):
    server = always(answer)

    async def work(pool: HttpPool) -> None:
        for _ in range(3):
            response = await get(pool)
            assert response.body == b"{}"
            assert response.status in (200, 500)
            await asyncio.sleep(0.001)

    run(with_pool(server, work))
    assert server.num_connections == num_connections


def test_a_body_that_lasts_until_the_end(run: Run[HttpResponse]):
    server = always(b"HTTP/1.1 200 OK\r\n\r\nabc", then_close=True)
    assert run(with_pool(server, get)).body == b"abc"


def test_chunks_come_at_once(run: Run[list[bytes]]):
    has_come = asyncio.Event()

    async def stream(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfir")
        await has_come.wait()
        exchange.write(b"st!")

    async def work(pool: HttpPool) -> list[bytes]:
        chunks: list[bytes] = []

        def take(chunk: bytes) -> None:
            chunks.append(chunk)
            has_come.set()

        response = await pool.request("POST", "/", b"", on_chunk=take)
        assert response.body == b"first!"
        return chunks

    assert run(with_pool(BadServer(stream), work)) == [b"fir", b"st!"]


def test_an_error_of_on_chunk_comes_back_and_the_pool_goes_on(run: Run[None]):
    def refuse(chunk: bytes) -> None:
        raise LookupError

    async def work(pool: HttpPool) -> None:
        with pytest.raises(LookupError):
            await pool.request("POST", "/", b"", on_chunk=refuse)
        await get(pool)

    run(with_pool(always(OK), work))


def test_a_request_is_sent_again_only_once_and_only_without_an_answer(run: Run[None]):
    async def hang_up(exchange: Exchange) -> None:
        exchange.close()

    server = BadServer(hang_up, num_good=1)

    async def work(pool: HttpPool) -> None:
        await get(pool)
        with pytest.raises(HttpError, match="closed the connection without an answer"):
            await get(pool)

    run(with_pool(server, work))
    assert len(server.requests) == 3

    partly = BadServer(BEHAVIOURS["truncated"], num_good=1)

    async def truncated(pool: HttpPool) -> None:
        await get(pool)
        with pytest.raises(HttpError, match="closed the connection after 10 of 100 bytes"):
            await get(pool)

    run(with_pool(partly, truncated))
    assert len(partly.requests) == 2


@pytest.mark.parametrize(
    ("behaviour", "timeout_seconds", "message"),
    [
        ("malformed", 60, "malformed answer: Invalid status code"),
        ("other_protocol", 60, "malformed answer: Expected HTTP/"),
        ("truncated", 60, "closed the connection after 10 of 100 bytes"),
        ("endless_header", 60, "the header of the answer is larger than 65536 bytes"),
        ("half_open", 0.1, "no complete answer within 0.1 s, without an answer"),
        # Long enough for the first of its bytes to be seen.
        ("slow_loris", 1, r"no complete answer within 1 s, after \d+ bytes of the body"),
    ],
)
def test_bad_answers(behaviour: str, timeout_seconds: float, message: str, run: Run[None]):
    async def work(pool: HttpPool) -> None:
        with pytest.raises(HttpError, match=message):
            await get(pool)

    run(with_pool(BadServer(BEHAVIOURS[behaviour]), work, timeout_seconds=timeout_seconds))


def test_a_reset_within_the_body(run: Run[None]):
    has_come = asyncio.Event()

    async def reset(exchange: Exchange) -> None:
        exchange.write(TRUNCATED)
        await has_come.wait()  # an RST overtakes bytes that have not been read
        exchange.reset()

    async def work(pool: HttpPool) -> None:
        with pytest.raises(HttpError, match="reset the connection after 10 bytes of the body"):
            await pool.request("GET", "/", on_chunk=lambda _: has_come.set())

    run(with_pool(BadServer(reset), work))


def test_each_request_has_its_own_deadline(run: Run[list[float]]):
    async def work(pool: HttpPool) -> list[float]:
        async def one(delay: float) -> float:
            await asyncio.sleep(delay)
            begin = time.monotonic()
            with pytest.raises(HttpError, match="no complete answer"):
                await get(pool)
            return time.monotonic() - begin

        await get(pool)
        return await asyncio.gather(*(one(0.04 * index) for index in range(5)))

    server = BadServer(BEHAVIOURS["half_open"], num_good=1)
    # None ends with the first that is overdue, and all of them end.
    for seconds in run(with_pool(server, work, timeout_seconds=0.2)):
        assert seconds > 0.19


def test_a_request_on_a_connection_that_was_aborted_says_why(run: Run[None]):
    async def work() -> None:
        async with serving(always(OK)) as server:
            connection = Connection(lambda _: None, lambda _: None)
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: connection, "127.0.0.1", server.port)
            connection.abort(HttpError("the client was closed"))
            deadline = loop.time() + 5.0
            with pytest.raises(HttpError, match="the client was closed"):
                await connection.send(b"GET / HTTP/1.1\r\n\r\n", False, None, deadline)

    run(work())
