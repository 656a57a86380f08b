"""The HTTP pool against real sockets, on both event loops."""

import asyncio
import ssl
from pathlib import Path

import pytest

from load_generator.http_connection import HttpPool
from load_generator.http_response import HttpError, HttpResponse
from tests.fakes.bad_server import BEHAVIOURS, BadServer, Exchange, serving
from tests.load_generator.conftest import Certificate
from tests.load_generator.http_pools import Run, get, pool_of, with_pool


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


@pytest.mark.parametrize("delay", [0.0, 0.02])
def test_an_idle_close_is_no_failure(delay: float, run: Run[None]):
    server = BadServer(BEHAVIOURS["idle_close"])

    async def work(pool: HttpPool) -> None:
        for _ in range(4):
            assert (await get(pool)).status == 200
            await asyncio.sleep(delay)

    run(with_pool(server, work))
    assert server.num_connections == 4


@pytest.mark.parametrize("num_turns", range(6))
def test_requests_cancelled_as_their_connections_open_leave_none_behind(
    num_turns: int, run: Run[None]
):
    server = BadServer(BEHAVIOURS["half_open"])

    async def work(pool: HttpPool) -> None:
        requests = [asyncio.create_task(get(pool)) for _ in range(50)]
        for _ in range(num_turns):
            await asyncio.sleep(0)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await asyncio.wait_for(pool.aclose(), 10)

    run(with_pool(server, work))


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
    arrived, left = asyncio.Event(), asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        arrived.set()
        await exchange.until_client_leaves()
        left.set()

    server = BadServer(wait, num_good=2, service_seconds=0.02)

    async def work(pool: HttpPool) -> None:
        await asyncio.gather(get(pool), get(pool))
        for _ in range(2):
            arrived.clear()
            left.clear()
            task = asyncio.ensure_future(get(pool))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await left.wait()
        assert server.num_connections == 2

    run(with_pool(server, work))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_closing_the_pool_ends_what_is_open(scheme: str, run: Run[None]):
    async def work() -> None:
        # Over TLS the handshake is under way, else the request.
        async with serving(BadServer(BEHAVIOURS["half_open"])) as server:
            pool = HttpPool(f"{scheme}://127.0.0.1:{server.port}")
            waiting = [asyncio.ensure_future(get(pool)) for _ in range(3)]
            while server.num_connections < 3:
                await asyncio.sleep(0.001)
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
    left = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()
        writer.close()
        left.set()

    async def work() -> None:
        async with await asyncio.start_server(greet, "127.0.0.1") as server:
            pool = HttpPool(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(HttpError, match=r"no TLS connection to .*: WRONG_VERSION_NUMBER"):
                await get(pool)
            await pool.aclose()
            await left.wait()

    run(work())
