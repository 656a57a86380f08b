"""The OpenAI API over real connections: known times, each fault of a server, readiness."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from load_generator.answer import Answer
from load_generator.errors import ServerNotReadyError
from load_generator.http_connection import HttpPool
from load_generator.openai_client import OpenAIClient
from load_generator.prompts import Prompt, RandomPrompts
from load_generator.token_lengths import parse_token_lengths
from tests.fakes.openai_server import FAULTS, OpenAIServer, serve

T = TypeVar("T")

NUM_TOKENS = 5
PROMPTS = RandomPrompts(
    parse_token_lengths("fixed:8"), parse_token_lengths(f"fixed:{NUM_TOKENS}"), seed=0
)


def with_server(
    server: OpenAIServer,
    work: Callable[[OpenAIClient], Awaitable[T]],
    timeout_seconds: float = 5.0,
    **changes: Any,
) -> T:
    """Runs work with a client of a served fake."""

    async def run() -> T:
        runner, port = await serve(server)
        fields = {"protocol": "openai-completions", "model": "m", "ready_seconds": 1.0}
        http = HttpPool(f"http://127.0.0.1:{port}", timeout_seconds=timeout_seconds)
        client = OpenAIClient(**{"http": http, "prompts": PROMPTS, **fields, **changes})
        try:
            async with client:
                return await work(client)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def send(server: OpenAIServer, **changes: Any) -> Answer:
    return with_server(server, lambda client: client.send(0), **changes)


@pytest.mark.parametrize("protocol", ["openai-completions", "openai-chat"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_times_are_those_of_the_server(protocol: str, line_end: str):
    server = OpenAIServer(ttft_seconds=0.1, tpot_seconds=0.03, line_end=line_end)
    start = time.monotonic()
    answer = send(server, protocol=protocol)
    elapsed = time.monotonic() - start
    assert answer.error == ""
    assert answer.output_tokens == NUM_TOKENS
    # No token comes before it is due, and on a busy machine each may come late.
    assert answer.ttft_seconds > 0.09
    assert answer.tpot_seconds > 0
    assert 0.21 < answer.ttft_seconds + (NUM_TOKENS - 1) * answer.tpot_seconds < elapsed


def test_waiting_for_a_slot_is_in_the_time_to_first_token():
    async def both(client: OpenAIClient) -> list[Answer]:
        return list(await asyncio.gather(client.send(0), client.send(1)))

    answers = with_server(OpenAIServer(ttft_seconds=0.1, tpot_seconds=0.01, slots=1), both)
    first, second = sorted(answer.ttft_seconds for answer in answers)
    assert first > 0.09
    assert second > 0.23  # 0.14 s of the first, and 0.1 s of its own


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_output_too(field: str):
    server = OpenAIServer(text_field=field, has_usage=False)
    assert send(server, protocol="openai-chat").output_tokens == NUM_TOKENS


def test_streams_without_usage_or_done_are_good():
    answer = send(OpenAIServer(has_usage=False, has_done=False))
    assert (answer.error, answer.output_tokens) == ("", NUM_TOKENS)


@pytest.mark.parametrize(
    ("fault", "error"),
    {
        "abort": "gave the answer up with finish_reason abort",
        "cut": "connection",
        "early-stop": "5 tokens that ignore_eos asks for, but got 2; --no-ignore-eos takes",
        "empty": "at least one token, but no text came",
        "error-event": "broke the stream off: out of blocks",
        "error-object": "broke the stream off: out of blocks",
        "no-end": "a finish_reason or [DONE], but it broke off after 2 tokens",
        "no-stream": "must be a stream of events, but it has none",
        "not-json": "must be a JSON object, but got '<html>'",
        "refuse-fields": "status 400: {",
        "stall": "within 0.3 s",
    }.items(),
)
def test_faults_of_a_server(fault: str, error: str):
    server = OpenAIServer(fault=fault)
    answer = send(server, timeout_seconds=0.3 if fault == "stall" else 5.0)
    assert error in answer.error
    assert answer.output_tokens == 0


def test_every_fault_of_the_fake_is_tested():
    marks = test_faults_of_a_server.pytestmark  # type: ignore[attr-defined]
    assert {fault for fault, _ in marks[0].args[1]} == set(FAULTS)


def test_a_client_goes_on_after_faults():
    server = OpenAIServer(fault="not-json")

    async def twice(client: OpenAIClient) -> tuple[str, str]:
        broken = await client.send(0)
        server.fault = ""
        return broken.error, (await client.send(1)).error

    broken, good = with_server(server, twice)
    assert broken
    assert good == ""


def test_a_refusal_of_fields_tells_the_flag():
    assert send(OpenAIServer(fault="refuse-fields")).error.endswith(
        "(--no-ignore-eos leaves out ignore_eos and min_tokens)"
    )
    assert send(OpenAIServer(fault="refuse-fields"), ignore_eos=False).error == ""
    assert send(OpenAIServer(fault="early-stop"), ignore_eos=False).output_tokens == 2


def test_what_goes_over_the_wire():
    server = OpenAIServer()
    send(server)
    send(server, protocol="openai-chat", ignore_eos=False)
    prompt = PROMPTS.pick(0, 0)
    common = {"model": "m", "max_tokens": 5, "temperature": 0, "stream": True}
    common["stream_options"] = {"include_usage": True}
    assert server.requests == [
        {**common, "prompt": prompt.text, "ignore_eos": True, "min_tokens": 5},
        {**common, "messages": [{"role": "user", "content": prompt.text}]},
    ]


def test_messages_of_a_file_are_sent_as_they_are():
    class Chats:
        def pick(self, index: int, number: int, /) -> Prompt:
            return Prompt("", NUM_TOKENS, [{"role": "system", "content": "Hi"}])

    server = OpenAIServer()
    send(server, protocol="openai-chat", prompts=Chats())
    assert server.requests[0]["messages"] == [{"role": "system", "content": "Hi"}]


def test_no_prompt_is_sent_twice():
    server = OpenAIServer()

    async def stretches(client: OpenAIClient) -> None:
        for index in (0, 1, 0, 1):
            await client.send(index)

    with_server(server, stretches)
    assert len({request["prompt"] for request in server.requests}) == 4


def test_prompt_tokens_as_the_server_counts_them():
    async def mean(client: OpenAIClient) -> float | None:
        await client.send(0)
        return client.mean_prompt_tokens

    assert with_server(OpenAIServer(), mean) == 7
    assert with_server(OpenAIServer(has_usage=False), mean) is None


def test_kserve_has_its_own_base_path():
    async def one(client: OpenAIClient) -> str:
        await client.wait_until_ready()
        await client.prepare()
        return (await client.send(0)).error

    server = OpenAIServer(base_path="/openai/v1")
    assert with_server(server, one, base_path="/openai/v1/") == ""


def test_readiness_is_waited_for():
    server = OpenAIServer(is_ready=False)

    async def later(client: OpenAIClient) -> float:
        asyncio.get_running_loop().call_later(0.3, setattr, server, "is_ready", True)
        return await client.wait_until_ready()

    assert with_server(server, later, ready_seconds=60.0) > 0.25


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"model": "n"}, "must be ready within 0.3 s, but /v1/models last answered: it"),
        ({"model": "n"}, "it lists m, not 'n'."),
        ({"base_path": "/v2"}, "/v2/models last answered: status 404."),
    ],
)
def test_a_model_that_never_comes(changes: dict[str, Any], fault: str):
    with pytest.raises(ServerNotReadyError) as caught:
        with_server(
            OpenAIServer(), OpenAIClient.wait_until_ready, **{"ready_seconds": 0.3, **changes}
        )
    assert fault in str(caught.value)


@pytest.mark.parametrize("answer", [b"[]", b'{"data": 3}', b"<html>", b""])
def test_an_answer_that_is_no_list_of_models(answer: bytes):
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        http = HttpPool(f"http://127.0.0.1:{port}")
        client = OpenAIClient(
            http=http, protocol="openai-chat", model="m", prompts=PROMPTS, ready_seconds=0.1
        )
        async with server, client:
            await client.wait_until_ready()

    with pytest.raises(ServerNotReadyError, match="it is no list of models but "):
        asyncio.run(run())


def test_a_silent_server_is_not_ready():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = OpenAIClient(
            http=HttpPool(f"http://127.0.0.1:{port}"),
            protocol="openai-chat",
            model="m",
            prompts=PROMPTS,
            ready_seconds=0.2,
        )
        async with server, client:
            await client.wait_until_ready()

    with pytest.raises(ServerNotReadyError, match=r"last answered: nothing within 0\.\d+ s"):
        asyncio.run(run())


def test_a_closed_port_is_not_ready():
    async def run() -> None:
        http = HttpPool("http://127.0.0.1:9")
        async with OpenAIClient(
            http=http, protocol="openai-chat", model="m", prompts=PROMPTS, ready_seconds=0.1
        ) as client:
            await client.wait_until_ready()

    with pytest.raises(ServerNotReadyError, match="refused the connection"):
        asyncio.run(run())


def test_a_cancelled_request_is_cancelled():
    async def cancel(client: OpenAIClient) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.send(0), 0.1)

    # Uncancelled it would end with the client's own error.
    with_server(OpenAIServer(fault="stall"), cancel)
