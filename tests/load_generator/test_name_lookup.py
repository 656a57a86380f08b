"""Looking up names: shared, given up, left behind."""

import asyncio
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from load_generator.name_lookup import NameLookup


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo"])
def test_an_address_needs_no_asking(host: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)

    async def look_up() -> list[str]:
        return await NameLookup(host).addresses()

    assert asyncio.run(look_up()) == [host]


def test_a_name():
    async def look_up() -> list[str]:
        return await NameLookup("localhost").addresses()

    assert set(asyncio.run(look_up())) <= {"127.0.0.1", "::1"}


def test_what_can_be_no_name_is_refused_each_time():
    async def look_up() -> None:
        lookup = NameLookup("a" * 64)
        for _ in range(2):
            with pytest.raises(UnicodeError):
                await lookup.addresses()

    asyncio.run(look_up())


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    async def look_up() -> None:
        await NameLookup("host").addresses()

    with pytest.raises(socket.gaierror, match="not known"):
        asyncio.run(look_up())


class NameServer:
    """Stands in for the resolver of the system: knows one name, and answers when it is let."""

    def __init__(self) -> None:
        self.num_asked = 0
        self.may_answer = threading.Event()

    def getaddrinfo(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.num_asked += 1
        assert self.may_answer.wait(60)
        address = (f"10.0.0.{self.num_asked}", 0)
        return 2 * [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address)]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    return server


def test_all_who_wait_share_one_answer_and_the_next_asks_anew(name_server: NameServer):
    async def look_up() -> list[list[str]]:
        lookup = NameLookup("host")
        waiting = [asyncio.ensure_future(lookup.addresses()) for _ in range(50)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        name_server.may_answer.set()
        found = await asyncio.gather(*waiting[1:])
        return [*found, await lookup.addresses()]

    assert asyncio.run(look_up()) == [*49 * [["10.0.0.1"]], ["10.0.0.2"]]


def test_an_answer_that_comes_too_late_is_no_trouble(name_server: NameServer):
    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(NameLookup("host").addresses(), 0.01)

    asyncio.run(give_up())  # would not return if it waited for the thread
    name_server.may_answer.set()
    for thread in threading.enumerate():
        if thread.name == "name lookup":
            thread.join(60)


_SILENT = """
import socket, sys, threading
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
from load_generator.__main__ import run
sys.exit(run())
"""


def test_a_load_test_ends_though_the_name_server_never_answers():
    done = subprocess.run(
        [sys.executable, "-c", _SILENT, "--url=http://host", "--model=m", "--slo-ms=100"]
        + ["--ready-seconds=0.3"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "last answered: nothing within 0.3 s" in done.stdout
