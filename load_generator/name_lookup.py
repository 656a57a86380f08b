"""Looks up the addresses of a host, without a hold on the end of the program.

The event loops look names up in threads that a program waits for before it ends, and a name server
out of reach takes half a minute or more to fail. The threads here are left behind.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading

_Found = list[str] | OSError | UnicodeError


class NameLookup:
    """Addresses of one host: asked for anew each time, but only once at a time.

    Args:
        host: Its name, or an address, which needs no asking.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._is_address = _is_address(host)
        self._loop = asyncio.get_running_loop()
        self._pending: asyncio.Future[_Found] | None = None

    async def addresses(self) -> list[str]:
        """The host's addresses in the order of preference.

        Raises:
            OSError: there are none, or nobody knows.
            UnicodeError: it cannot be the name of a host.
        """
        if self._is_address:
            return [self._host]
        if self._pending is None:
            self._pending = self._loop.create_future()
            threading.Thread(
                target=self._ask, args=(self._pending,), name="name lookup", daemon=True
            ).start()
        found = await asyncio.shield(self._pending)
        if isinstance(found, Exception):
            raise found
        return found

    def _ask(self, pending: "asyncio.Future[_Found]") -> None:
        found: _Found
        try:
            entries = socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(address[0]) for *_, address in entries))
        except (OSError, UnicodeError) as error:
            found = error
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            self._loop.call_soon_threadsafe(self._tell, pending, found)

    def _tell(self, pending: "asyncio.Future[_Found]", found: _Found) -> None:
        self._pending = None
        pending.set_result(found)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
