"""The HTTP pool against real sockets, on both event loops."""

import asyncio
import gc
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from load_generator.http_connection import HttpPool
from load_generator.http_request import render_head
from load_generator.http_response import HttpError, HttpResponse
from tests.fakes.bad_server import BEHAVIOURS, OK, BadServer, Exchange, serving
from tests.load_generator.conftest import Certificate

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Runs a coroutine; whatever the loop or a destructor complains of fails the test."""
    complaints: list[object] = []
    with asyncio.Runner(loop_factory=request.param) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: complaints.append(context))
        yield runner.run
        gc.collect()
    assert complaints == []


def pool_of(server: BadServer, path: str = "", **settings: Any) -> HttpPool:
    scheme = "https" if server.tls else "http"
    host = f"[{server.host}]" if ":" in server.host else server.host
    return HttpPool(f"{scheme}://{host}:{server.port}{path}", **{"timeout_seconds": 5, **settings})


async def with_pool(
    server: BadServer, work: Callable[[HttpPool], Awaitable[T]], path: str = "", **settings: Any
) -> T:
    async with serving(server):
        pool = pool_of(server, path, **settings)
        try:
            return await work(pool)
        finally:
            await pool.aclose()


def always(data: bytes, *, then_close: bool = False) -> BadServer:
    async def behaviour(exchange: Exchange) -> None:
        exchange.write(data)
        if then_close:
            exchange.close()

    return BadServer(behaviour)


async def get(pool: HttpPool) -> HttpResponse:
    return await pool.request("GET", "/a")


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
    ("method", "target", "headers"),
    [
        ("GET", "/a b", ()),
        ("GET", "/a\r\nX: 1", ()),
        ("GET", "/é", ()),
        ("G T", "/", ()),
        ("GET", "/", (("X", "1\r\nY: 2"),)),
        ("GET", "/", (("X:", "1"),)),
        ("GET", "/", (("content-Length", "1"),)),
        ("GET", "/", (("X", "\u2713"),)),
    ],
)
def test_what_would_break_a_request_is_refused(
    method: str, target: str, headers: tuple[tuple[str, str], ...]
):
    with pytest.raises(HttpError, match="must"):
        render_head(method, target, "host", headers, 0)


def test_a_gateway_may_be_asked_for_another_host():
    head = render_head("GET", "/", "10.0.0.1:80", (("host", "model.example.com"),), 0)
    assert head == b"GET / HTTP/1.1\r\nhost: model.example.com\r\n\r\n"


def test_a_connection_is_kept_and_the_last_used_comes_first(run: Run[None]):
    server = BadServer(BEHAVIOURS["good"], service_seconds=0.01, workers=4)

    async def work(pool: HttpPool) -> None:
        for _ in range(5):
            await get(pool)
        assert server.num_connections == 1
        await asyncio.gather(*[get(pool) for _ in range(4)])
        assert server.num_connections == 4
        await get(pool)
        assert server.num_connections == 4

    run(with_pool(server, work))


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
    async def stream(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfir")
        await asyncio.sleep(0.05)
        exchange.write(b"st!")

    async def work(pool: HttpPool) -> list[bytes]:
        chunks: list[bytes] = []
        response = await pool.request("POST", "/", b"", on_chunk=chunks.append)
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


@pytest.mark.parametrize("delay", [0.0, 0.02])
def test_an_idle_close_is_no_failure(delay: float, run: Run[None]):
    server = BadServer(BEHAVIOURS["idle_close"])

    async def work(pool: HttpPool) -> None:
        for _ in range(4):
            assert (await get(pool)).status == 200
            await asyncio.sleep(delay)

    run(with_pool(server, work))
    assert server.num_connections == 4


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
    ("behaviour", "message"),
    [
        ("malformed", "malformed answer: Invalid status code"),
        ("other_protocol", "malformed answer: Expected HTTP/"),
        ("truncated", "closed the connection after 10 of 100 bytes"),
        ("reset_in_body", "reset the connection after 10 bytes of the body"),
        ("endless_header", "the header of the answer is larger than 65536 bytes"),
        ("half_open", "no complete answer within 0.2 s, without an answer"),
        ("slow_loris", r"no complete answer within 0.2 s, after \d+ bytes of the body"),
    ],
)
def test_bad_answers(behaviour: str, message: str, run: Run[None]):
    async def work(pool: HttpPool) -> None:
        begin = time.monotonic()
        with pytest.raises(HttpError, match=message):
            await get(pool)
        assert time.monotonic() - begin < 1

    run(with_pool(BadServer(BEHAVIOURS[behaviour]), work, timeout_seconds=0.2))


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
    for seconds in run(with_pool(server, work, timeout_seconds=0.2)):
        assert 0.19 < seconds < 0.5


def test_a_server_that_is_not_there(run: Run[None]):
    async def work() -> None:
        async with serving(BadServer(BEHAVIOURS["good"])) as server:
            port = server.port
        for host in ("127.0.0.1", "[::1]"):
            pool = HttpPool(f"http://{host}:{port}")
            with pytest.raises(HttpError, match="refused the connection"):
                await get(pool)
            await pool.aclose()
        pool = HttpPool("http://no-such-host.invalid")
        with pytest.raises(HttpError, match=r"no address is known for no-such-host\.invalid: "):
            await get(pool)
        await pool.aclose()

    run(work())


def test_connecting_counts_for_the_deadline(run: Run[None]):
    async def work() -> None:
        # TLS towards a server that does not speak it: the handshake never ends.
        async with serving(BadServer(BEHAVIOURS["half_open"])) as server:
            pool = HttpPool(f"https://127.0.0.1:{server.port}", timeout_seconds=0.2)
            with pytest.raises(HttpError, match=r"no connection to .* within 0.2 s"):
                await get(pool)
            await pool.aclose()

    run(work())


def test_ipv6(run: Run[HttpResponse]):
    server = BadServer(BEHAVIOURS["good"], host="::1")
    assert run(with_pool(server, get)).status == 200
    assert b"Host: [::1]:%d\r\n" % server.port in server.requests[0]


def test_cancelling_closes_the_connection_and_no_other(run: Run[None]):
    left = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        await exchange.until_client_leaves()
        left.set()

    server = BadServer(wait, num_good=2, service_seconds=0.02)

    async def work(pool: HttpPool) -> None:
        await asyncio.gather(get(pool), get(pool))
        for _ in range(2):
            left.clear()
            task = asyncio.ensure_future(get(pool))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(left.wait(), 1)
        assert server.num_connections == 2

    run(with_pool(server, work))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_closing_the_pool_ends_what_is_open(scheme: str, run: Run[None]):
    async def work() -> None:
        # Over TLS the handshake is under way, else the request.
        async with serving(BadServer(BEHAVIOURS["half_open"])) as server:
            pool = HttpPool(f"{scheme}://127.0.0.1:{server.port}")
            waiting = [asyncio.ensure_future(get(pool)) for _ in range(3)]
            await asyncio.sleep(0.05)
            waiting[0].cancel()
            await pool.aclose()
            with pytest.raises(asyncio.CancelledError):
                await waiting[0]
            for other in waiting[1:]:
                with pytest.raises(HttpError, match="the client was closed"):
                    await other
            await pool.aclose()

    run(work())


def test_tls(certificate: Certificate, run: Run[None], tmp_path: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "both.pem").write_bytes(certificate.key + certificate.chain)
    context.load_cert_chain(tmp_path / "both.pem")
    trusting = ssl.create_default_context(cadata=certificate.authority.decode())

    async def work() -> None:
        server = BadServer(BEHAVIOURS["good"], tls=context)
        async with serving(server):
            pool = pool_of(server, verify=trusting)
            for _ in range(3):
                assert (await pool.request("POST", "/", b"x" * 200_000)).body == b"{}"
            assert server.num_connections == 1
            await pool.aclose()
            doubting = pool_of(server)
            with pytest.raises(HttpError, match=r"certificate of .* is refused: unable"):
                await get(doubting)
            await doubting.aclose()

    run(work())


def test_tls_towards_a_server_without(run: Run[None]):
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()
        writer.close()

    async def work() -> None:
        async with await asyncio.start_server(greet, "127.0.0.1") as server:
            pool = HttpPool(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(HttpError, match=r"no TLS connection to .*: WRONG_VERSION_NUMBER"):
                await get(pool)
            await pool.aclose()
            await asyncio.sleep(0.02)  # for the server to notice the end

    run(work())
