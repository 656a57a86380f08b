"""HTTP pools towards servers that tests run beside them."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from load_generator.http_connection import HttpPool
from load_generator.http_response import HttpResponse
from tests.fakes.bad_server import BadServer, Exchange, serving

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


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
