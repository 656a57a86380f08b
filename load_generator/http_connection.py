"""HTTP/1.1 client below the protocols: a pool of kept-alive connections to one server.

It is lean, because what the client costs is missing from what it can measure: the head of a request
is rendered once, llhttp parses an answer as it arrives, one timer watches over all requests.
"""

import asyncio
import math
import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from load_generator.http_exchange import Connection, IdleCloseError
from load_generator.http_request import render_head
from load_generator.http_response import HttpError, HttpResponse, OnChunk
from load_generator.name_lookup import NameLookup

_NONE: Mapping[str, str] = MappingProxyType({})


class HttpPool:
    """Sends requests to one server. Made where the event loop runs; ``aclose`` ends it.

    The pool has no limit of its own: a wait for a connection would hide in the client what must
    show as latency. The connection used last is used next, so that those in excess stay idle.

    Args:
        url: ``http://HOST[:PORT][/PATH]``, or https.
        headers: Sent with every request.
        timeout_seconds: Limit of a whole exchange, from connecting to the last byte.
        verify: What an https server must show; None trusts the system's authorities.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] = _NONE,
        timeout_seconds: float = 60.0,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._lookup = NameLookup(self._host)
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = None
        if parts.scheme == "https":
            self._tls = verify or ssl.create_default_context()
        self._authority = parts.netloc.rpartition("@")[2]
        self._path, self._query = parts.path, f"?{parts.query}" if parts.query else ""
        self._headers = tuple(headers.items())
        self._timeout = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._idle: list[Connection] = []
        self._sweep_at = math.inf
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._all_closed: asyncio.Future[None] | None = None

    async def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] = _NONE,
        on_chunk: OnChunk | None = None,
    ) -> HttpResponse:
        """Sends a request and reads the whole answer, whatever its status.

        Nothing is sent twice, but for a request on a kept-alive connection that the server closes
        without a byte of an answer: it may have closed it for idleness just then.

        Args:
            method: For instance POST.
            target: Appended to the path of the url; empty for the url as it is.
            body: Request body.
            headers: Sent besides those of the pool.
            on_chunk: Called with each piece of the body as soon as it arrives.

        Raises:
            HttpError: there is no complete answer, or the request cannot be written down.
        """
        deadline = self._loop.time() + self._timeout
        extra = self._headers + tuple(headers.items()) if headers else self._headers
        where = self._path.rstrip("/") + target if target else (self._path or "/") + self._query
        data = render_head(method, where, self._authority, extra, len(body)) + body
        is_head = method == "HEAD"
        connection = self._take_idle()
        if connection is not None:
            try:
                return await self._exchange(connection, data, is_head, on_chunk, deadline)
            except IdleCloseError:
                pass
        connection = await self._connect(deadline)
        return await self._exchange(connection, data, is_head, on_chunk, deadline)

    async def aclose(self) -> None:
        """Closes all connections; requests on them fail."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for connecting in self._connecting:
            connecting.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for connection in list(self._connections):
            connection.abort(HttpError("the client was closed"))
        if self._connections:
            self._all_closed = self._loop.create_future()
            await self._all_closed

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _exchange(
        self,
        connection: Connection,
        data: bytes,
        is_head: bool,
        on_chunk: OnChunk | None,
        deadline: float,
    ) -> HttpResponse:
        if deadline < self._sweep_at:
            self._arm(deadline)
        try:
            response = await connection.send(data, is_head, on_chunk, deadline)
        except asyncio.CancelledError:
            # The answer may still come, and would meet the next request on this connection.
            connection.abort(HttpError("the request was cancelled"))
            raise
        if connection.is_open:
            self._idle.append(connection)
        return response

    async def _connect(self, deadline: float) -> Connection:
        connection = Connection(self._connections.add, self._closed)
        connecting = self._loop.create_task(self._open(connection))
        self._connecting.add(connecting)
        connecting.add_done_callback(lambda task: self._connected(task, connection))
        try:
            # Not asyncio.timeout: until Python 3.13 an expiry just after success cancels the task.
            await asyncio.wait({connecting}, timeout=deadline - self._loop.time())
            if not connecting.done():
                raise HttpError(f"no connection to {self._authority} within {self._timeout:g} s")
            if connecting.cancelled():
                raise HttpError("the client was closed")
            connecting.result()
            return connection
        except (OSError, UnicodeError) as error:
            raise HttpError(_connect_error(error, self._authority)) from None
        finally:
            connecting.cancel()

    async def _open(self, connection: Connection) -> None:
        """Connects to the first of the host's addresses that takes it."""
        fault: OSError | None = None
        for address in await self._lookup.addresses():
            try:
                await self._loop.create_connection(
                    lambda: connection,
                    address,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
                return
            except ssl.SSLError:
                raise
            except OSError as error:
                fault = error
        raise fault or OSError("the host has no address")

    def _connected(self, task: asyncio.Task[None], connection: Connection) -> None:
        self._connecting.discard(task)
        if task.cancelled() or task.exception() is not None:
            # uvloop closes what is cancelled just as it opens, and never tells the protocol.
            self._closed(connection)

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        waiting = self._all_closed
        if waiting is not None and not waiting.done() and not self._connections:
            waiting.set_result(None)

    def _arm(self, deadline: float) -> None:
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        self._sweep_at = deadline
        self._sweep_timer = self._loop.call_at(deadline, self._sweep)

    def _sweep(self) -> None:
        """Fails all overdue requests, and comes back when the next may be overdue."""
        now = self._loop.time()
        for connection in [one for one in self._connections if one.deadline <= now]:
            connection.time_out(self._timeout)
        self._sweep_at = min((one.deadline for one in self._connections), default=math.inf)
        if self._sweep_at < math.inf:
            self._arm(self._sweep_at)


def _connect_error(error: Exception, where: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {where} is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection to {where}: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"no address is known for {where}: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return f"{where} refused the connection"
    return f"no connection to {where}: {str(error) or type(error).__name__}"
