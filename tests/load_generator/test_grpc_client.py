"""Open Inference v2 over gRPC against a real server on a socket."""

import asyncio
import gc
import json
import math
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import pytest

from load_generator.answer import GOOD, Answer
from load_generator.errors import PayloadError, ServerNotReadyError
from load_generator.grpc_client import GrpcClient
from load_generator.payload import Payloads
from tests.fakes.grpc_model_server import GrpcModelServer, serve
from tests.load_generator.conftest import Certificate

T = TypeVar("T")


def client(port: int, **changes: Any) -> GrpcClient:
    fields = {
        "url": f"grpc://127.0.0.1:{port}",
        "model": "m",
        "timeout_seconds": 30.0,
        "ready_seconds": 30.0,
    }
    return GrpcClient(**{**fields, **changes})


def with_server(
    server: GrpcModelServer,
    work: Callable[[GrpcClient], Awaitable[T]],
    max_streams: int | None = None,
    credentials: grpc.ServerCredentials | None = None,
    **changes: Any,
) -> T:
    """Runs work on a client that is connected to a server on a free port."""

    async def run() -> T:
        running, port = await serve(server, max_streams=max_streams, credentials=credentials)
        try:
            if credentials is not None:
                changes["url"] = f"grpcs://127.0.0.1:{port}"
            async with client(port, **changes) as made:
                return await work(made)
        finally:
            await running.stop(None)

    return asyncio.run(run())


async def one(made: GrpcClient) -> Answer:
    await made.wait_until_ready()
    await made.prepare()
    return await made.send(0)


def test_a_request_made_from_the_metadata():
    inputs = [("a", "FP32", (-1, 3)), ("b", "BYTES", (1,))]
    server = GrpcModelServer(inputs=inputs)
    assert with_server(server, one, batch=2) == GOOD
    (request,) = server.requests
    assert request.model_name == "m"
    tensors = [(each.name, each.datatype, list(each.shape)) for each in request.inputs]
    assert tensors == [("a", "FP32", [2, 3]), ("b", "BYTES", [1])]
    assert [len(raw) for raw in request.raw_input_contents] == [24, 4 + 8]
    assert request.raw_input_contents[1].startswith(b"\x08\x00\x00\x00text ")


def test_the_number_of_a_request_picks_its_body():
    async def three(made: GrpcClient) -> None:
        await made.prepare()
        for index in (1, 0, 1):
            await made.send(index)

    first, second = GrpcModelServer(), GrpcModelServer()
    for server in (first, second):
        with_server(server, three, seed=7)
    assert first.requests == second.requests
    assert first.requests[0] == first.requests[2] != first.requests[1]


def test_payloads_are_the_json_of_a_request():
    body = {
        "id": "7",
        "inputs": [
            {"name": "x", "datatype": "INT64", "shape": [2], "contents": {"int64Contents": [1, 2]}}
        ],
    }
    other = {"model_name": "m2", "raw_input_contents": ["AAEC"]}
    payloads = Payloads((json.dumps(body).encode(), json.dumps(other).encode()))

    async def two(made: GrpcClient) -> list[Answer]:
        await made.prepare()
        return [await made.send(0), await made.send(1)]

    server = GrpcModelServer()
    assert with_server(server, two, payloads=payloads) == [GOOD, GOOD]
    assert (server.requests[0].id, server.requests[0].model_name) == ("7", "m")
    assert list(server.requests[0].inputs[0].contents.int64_contents) == [1, 2]
    assert server.requests[1].model_name == "m2"
    assert list(server.requests[1].raw_input_contents) == [b"\x00\x01\x02"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b"7", b"null", b'{"inputs": 7}', b'{"instances": [[1]]}',
             b'{"inputs": [{"data": [1]}]}', b'{"raw_input_contents": [7]}']
)  # fmt: skip
def test_payloads_that_are_none(body: bytes):
    made = client(1, payloads=Payloads((body,)))
    with pytest.raises(PayloadError, match="must be the JSON of a ModelInferRequest"):
        asyncio.run(made.prepare())


def test_headers_go_along():
    server = GrpcModelServer()
    assert with_server(server, one, headers={"Authorization": "Bearer x"}) == GOOD
    assert server.metadata["authorization"] == "Bearer x"


def test_readiness_is_waited_for():
    server = GrpcModelServer(num_not_ready=2)
    assert with_server(server, GrpcClient.wait_until_ready) > 0
    assert server.num_asked == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"is_server_ready": False}, r"within 0.5 s.* last answered: the server is not ready\."),
        ({"is_model_ready": False}, r"last answered: the model 'm' is not ready\."),
        ({"model": "other"}, r"last answered: NOT_FOUND: unknown model m\."),
    ],
)
def test_a_server_that_is_never_ready(changes: dict[str, Any], message: str):
    with pytest.raises(ServerNotReadyError, match=message):
        with_server(GrpcModelServer(**changes), one, ready_seconds=0.5)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_starts_late():
    async def run() -> tuple[float, Answer]:
        port = unused_port()
        async with client(port) as made:
            waiting = asyncio.create_task(made.wait_until_ready())
            await asyncio.sleep(0.5)
            running, _ = await serve(GrpcModelServer(), port)
            try:
                waited = await waiting
                await made.prepare()
                return waited, await made.send(0)
            finally:
                await running.stop(None)

    waited, answer = asyncio.run(run())
    assert waited > 0.4
    assert answer == GOOD


def test_a_server_that_restarts():
    async def run() -> list[str]:
        running, port = await serve(GrpcModelServer())
        async with client(port) as made:
            errors = [(await one(made)).error]
            await running.stop(None)
            errors.append((await made.send(0)).error)
            running, _ = await serve(GrpcModelServer(), port)
            while errors[-1]:
                errors.append((await made.send(0)).error)
                await asyncio.sleep(0.05)
            await running.stop(None)
        return errors

    first, second, *_, last = asyncio.run(run())
    assert (first, last) == ("", "")
    assert second.startswith("UNAVAILABLE: ")


def test_nobody_listens():
    async def run() -> tuple[Answer, str, str]:
        async with client(unused_port(), ready_seconds=0.5) as made:
            answer = await made.send(0)
            with pytest.raises(ServerNotReadyError) as not_ready:
                await made.wait_until_ready()
            with pytest.raises(PayloadError) as no_metadata:
                await made.prepare()
        return answer, str(not_ready.value), str(no_metadata.value)

    answer, not_ready, no_metadata = asyncio.run(run())
    assert answer.error.startswith("UNAVAILABLE: ")
    assert "Connection refused" in answer.error
    assert math.isnan(answer.ttft_seconds)
    assert "last answered: UNAVAILABLE" in not_ready
    assert "must answer with the metadata of the model 'm', but: UNAVAILABLE" in no_metadata


@pytest.mark.parametrize(
    "status",
    [
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,  # would be tried again with gRPC's usual settings
        grpc.StatusCode.CANCELLED,  # must not look like a cancelled task
    ],
)
def test_failures_are_answers_and_not_repeated(status: grpc.StatusCode):
    server = GrpcModelServer(failure=status)
    answer = with_server(server, one)
    assert answer.error == f"{status.name}: planned failure"
    assert server.num_requests == 1


def test_a_slow_server_meets_the_deadline():
    answer = with_server(GrpcModelServer(service_seconds=3), one, timeout_seconds=0.2)
    assert answer.error.startswith("DEADLINE_EXCEEDED: ")


def test_a_cancelled_request_ends_at_once():
    server = GrpcModelServer(service_seconds=3)

    async def cancel(made: GrpcClient) -> list[int]:
        await made.prepare()
        task = asyncio.create_task(made.send(0))
        while not server.num_open:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [each.num_open for each in made._channels]

    assert with_server(server, cancel) == [0]


def test_no_request_waits_for_a_free_stream():
    """250 at once take three connections of 100 streams each and are all served at once."""
    server = GrpcModelServer(num_together=250)

    async def many(made: GrpcClient) -> list[Answer]:
        await made.prepare()
        return await asyncio.gather(*(made.send(index) for index in range(250)))

    assert set(with_server(server, many, max_streams=100)) == {GOOD}
    assert server.most_open == 250
    assert len(server.peers) == 3


def test_a_large_message_passes_both_ways():
    body = json.dumps({"raw_input_contents": ["A" * 8_000_000]}).encode()

    server = GrpcModelServer(answer_bytes=6_000_000)
    assert with_server(server, one, payloads=Payloads((body,))) == GOOD
    assert len(server.requests[0].raw_input_contents[0]) == 6_000_000


def test_tls_with_a_given_authority(certificate: Certificate):
    credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
    server = GrpcModelServer()
    assert (
        with_server(server, one, credentials=credentials, ca_certificate=certificate.authority)
        == GOOD
    )


def test_tls_refuses_an_unknown_authority(certificate: Certificate):
    credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
    with pytest.raises(ServerNotReadyError, match=r"UNAVAILABLE: .*CERTIFICATE_VERIFY_FAILED"):
        with_server(GrpcModelServer(), one, credentials=credentials, ready_seconds=0.5)


def test_a_closed_client_leaves_nothing_behind():
    assert with_server(GrpcModelServer(), one) == GOOD
    gc.collect()  # a ResourceWarning would be an error
