"""Protocols of the client, byte by byte, against a real server."""

import asyncio
import re
from dataclasses import replace

import pytest
from aiohttp import web

from load_generator.client import Client, open_client
from load_generator.errors import ConfigError, PayloadError, ServerNotReadyError
from load_generator.slo import Slo
from tests.fakes.model_server import ModelServer
from tests.load_generator.builders import config
from tests.load_generator.test_loops import with_server


async def one(client: Client) -> str:
    await client.wait_until_ready()
    await client.prepare()
    return (await client.send(0)).error


@pytest.mark.parametrize(
    ("protocol", "model", "payload"),
    [("v2-rest", "m", None), ("v2-rest", "m", b"{}"), ("v1-rest", "m", b"{}"), ("http", "", None)],
)
def test_each_protocol_gets_an_answer(protocol: str, model: str, payload: bytes | None):
    server = ModelServer(service_seconds=0.001)
    changes = {"protocol": protocol, "model": model, "payload": payload}
    assert with_server(server, one, **changes) == ""
    # With plain HTTP the readiness check is a request of the same kind.
    assert server.num_requests == (2 if protocol == "http" else 1)


def test_an_unknown_model_is_not_ready():
    with pytest.raises(ServerNotReadyError, match=r"within 1 s.*status 404"):
        with_server(ModelServer(0.001), one, protocol="v2-rest", model="nobody")


@pytest.mark.parametrize(
    ("status", "pattern"), [(404, ""), (405, ""), (501, ""), (503, r".* status 503\.")]
)
def test_a_plain_endpoint_may_refuse_the_get_that_asks_whether_it_serves(status: int, pattern: str):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.method == "POST" else status)

    async def run() -> str:
        app = web.Application()
        app.router.add_route("*", "/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        given = config(url=url, protocol="http", payload=b"{}", ready_seconds=0.5)
        try:
            async with open_client(given) as client:
                return await one(client)
        except ServerNotReadyError as error:
            return str(error)
        finally:
            await runner.cleanup()

    assert re.fullmatch(pattern, asyncio.run(run()))


def test_readiness_is_waited_for():
    server = ModelServer(0.001, is_ready=False)

    async def later(client: Client) -> float:
        asyncio.get_running_loop().call_later(0.5, setattr, server, "is_ready", True)
        return await client.wait_until_ready()

    waited = with_server(server, later, protocol="v2-rest", model="m", ready_seconds=60.0)
    assert waited > 0.4


def test_what_goes_over_the_wire():
    seen: list[tuple[str, str, bytes, str]] = []

    async def remember(request: web.Request) -> web.Response:
        content = request.headers.get("Content-Type", "")
        seen.append((request.method, request.path, await request.read(), content))
        return web.Response(text="{}")

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", remember)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        for protocol in ("v2-rest", "v1-rest", "http"):
            given = config(url=f"{url}/x", protocol=protocol, model="m", payload=b'{"a": 1}')
            async with open_client(given) as client:
                assert (await client.send(0)).error == ""
        await runner.cleanup()

    asyncio.run(run())
    assert seen == [
        ("POST", "/x/v2/models/m/infer", b'{"a": 1}', "application/json"),
        ("POST", "/x/v1/models/m:predict", b'{"a": 1}', "application/json"),
        ("POST", "/x", b'{"a": 1}', "application/json"),
    ]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", b"nonsense\r\n\r\n"]
)
def test_broken_answers_are_errors(answer: bytes):
    async def run() -> str:
        has_ended = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()
            await writer.wait_closed()
            has_ended.set()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            async with open_client(config(url=f"http://127.0.0.1:{port}")) as client:
                error = (await client.send(0)).error
            await has_ended.wait()
        return error

    assert asyncio.run(run())


def test_a_silent_server_times_out():
    async def run() -> str:
        has_ended = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            has_ended.set()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        given = replace(config(url=f"http://127.0.0.1:{port}"), slo=Slo(latency_seconds=0.05))
        client = open_client(given)
        async with server:
            async with client:
                error = (await client.send(0)).error
            await has_ended.wait()
        return error

    assert asyncio.run(run()) == "no complete answer within 5 s, without an answer"


def test_metadata_that_is_none():
    with pytest.raises(PayloadError, match=r"must answer with the metadata, but.*404"):
        with_server(
            ModelServer(0.001), lambda client: client.prepare(), protocol="v2-rest", model="x"
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"url": "localhost:80"},
            "--url must be http://HOST[:PORT][/PATH], but got 'localhost:80'",
        ),
        (
            {"protocol": "tcp"},
            "openai-completions, openai-chat, http, but got 'tcp'",
        ),
        ({"protocol": "v2-rest"}, "--model must be given with --protocol v2-rest"),
        ({"protocol": "v1-rest", "model": "m"}, "--payload must be given"),
        ({"slo_percentile": 100.0}, "50 <= --slo-percentile < 100 must hold, but got 100.0"),
        ({"slo_ms": 0.0}, "--slo-ms must be a positive number, but got 0"),
        ({"max_seconds": float("nan")}, "--max-seconds must be a positive number, but got nan"),
        ({"seed": -1}, "--seed must be at least 0, but got -1"),
    ],
)
def test_configuration_rules(changes: dict[str, object], message: str):
    with pytest.raises(ConfigError) as caught:
        config(**changes)
    assert message in str(caught.value)
