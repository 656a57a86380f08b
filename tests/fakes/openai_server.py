"""A language model of exact timing behind the OpenAI API, with faults by name.

``python -m tests.fakes.openai_server --port 0 --ttft-ms 50 --tpot-ms 5 --slots 4`` prints its port.
Tokens are planned from each other and not from when the event loop woke up, so that timers cannot
lower the capacity: ``slots / (ttft + (tokens - 1) * tpot)`` answers a second.
"""

import argparse
import asyncio
import heapq
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

FAULTS = (
    "abort",  # finish_reason abort after two tokens
    "cut",  # the connection is closed after two tokens
    "early-stop",  # ends properly after two tokens, whatever was asked
    "empty",  # ends properly without a token
    "error-event",  # an event of type error after two tokens
    "error-object",  # vLLM's error within the stream after two tokens
    "no-end",  # two tokens, then a proper end of the body without finish_reason and [DONE]
    "no-stream",  # a JSON answer, as if stream had not been asked for
    "not-json",  # an event that is no JSON after two tokens
    "refuse-fields",  # status 400 for fields that the OpenAI API does not have
    "stall",  # nothing after two tokens
)
_EXTENSIONS = ("ignore_eos", "min_tokens")


@dataclass
class OpenAIServer:
    """Serves ``slots`` requests at a time, first come first served.

    Attributes:
        ttft_seconds: From the beginning of service to the first token.
        tpot_seconds: From each token to the next.
        slots: Requests that are served at a time.
        fault: One of ``FAULTS``, or none.
        base_path: What stands before the paths of the API.
        model: Name of the model.
        has_usage: Whether usage is reported.
        has_done: Whether the stream ends with [DONE].
        text_field: Name of the text in chats.
        line_end: Of the event stream.
        is_ready: Whether the model is listed.
        requests: Bodies of all requests.
    """

    ttft_seconds: float = 0.02
    tpot_seconds: float = 0.005
    slots: int = 100
    fault: str = ""
    base_path: str = "/v1"
    model: str = "m"
    has_usage: bool = True
    has_done: bool = True
    text_field: str = "content"
    line_end: str = "\n"
    is_ready: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)
    _free: list[float] = field(default_factory=list)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        wanted = await request.json()
        self.requests.append(wanted)
        if self.fault == "refuse-fields" and any(name in wanted for name in _EXTENSIONS):
            refusal = {"message": "body -> ignore_eos: Extra inputs are not permitted"}
            return web.json_response(refusal, status=400)
        begin = self._begin(wanted["max_tokens"])
        if self.fault == "no-stream":
            return web.json_response({"choices": [{"text": "all", "finish_reason": "length"}]})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for data in self._events(wanted, begin):
            await response.write(data.encode())
        if self.fault == "cut" and request.transport is not None:
            request.transport.abort()
        return response

    def _begin(self, tokens: int) -> float:
        """Takes the slot that is free first; returns when the service begins."""
        arrival = asyncio.get_running_loop().time()
        if not self._free:
            self._free = [arrival] * self.slots
        begin = max(arrival, heapq.heappop(self._free))
        end = begin + self.ttft_seconds + (tokens - 1) * self.tpot_seconds
        heapq.heappush(self._free, end)
        return begin

    async def _events(self, wanted: dict[str, Any], begin: float) -> AsyncIterator[str]:
        is_chat = "messages" in wanted
        is_whole = self.fault in ("", "refuse-fields")
        count = wanted["max_tokens"] if is_whole else 0 if self.fault == "empty" else 2
        yield self._event({"role": "assistant"} if is_chat else "", is_chat, None)
        for number in range(count):
            due = begin + self.ttft_seconds + number * self.tpot_seconds
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            text = f" w{number}"
            yield self._event({self.text_field: text} if is_chat else text, is_chat, None)
        if self.fault == "stall":
            await asyncio.sleep(3600)
        for text in self._fault_events():
            yield text
        if is_whole or self.fault in ("empty", "early-stop"):
            reason = "length" if is_whole else "stop"
            yield self._event({} if is_chat else "", is_chat, reason)
            if self.has_usage:
                usage = {"prompt_tokens": 7, "completion_tokens": count}
                yield self._data({"choices": [], "usage": usage})
            if self.has_done:
                yield f"data: [DONE]{2 * self.line_end}"

    def _fault_events(self) -> list[str]:
        if self.fault == "error-object":
            error = {"error": {"message": "out of blocks", "type": "InternalServerError"}}
            return [self._data(error), f"data: [DONE]{2 * self.line_end}"]
        if self.fault == "error-event":
            return [f"event: error{self.line_end}data: out of blocks{2 * self.line_end}"]
        if self.fault == "not-json":
            return [f"data: <html>{2 * self.line_end}"]
        if self.fault == "abort":
            return [self._event("", False, "abort")]
        return []

    def _event(self, text: Any, is_chat: bool, reason: str | None) -> str:
        name = "delta" if is_chat else "text"
        choice = {"index": 0, name: text, "finish_reason": reason}
        return self._data({"choices": [choice], "usage": None})

    def _data(self, chunk: dict[str, Any]) -> str:
        return f"data: {json.dumps(chunk)}{2 * self.line_end}"

    async def models(self, request: web.Request) -> web.Response:
        names = [self.model] if self.is_ready else ["other"]
        return web.json_response({"object": "list", "data": [{"id": name} for name in names]})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get(f"{self.base_path}/models", self.models)
        app.router.add_post(f"{self.base_path}/completions", self.complete)
        app.router.add_post(f"{self.base_path}/chat/completions", self.complete)
        return app


async def serve(server: OpenAIServer, port: int = 0) -> tuple[web.AppRunner, int]:
    """Starts the server on a loopback port and returns what stops it, and the port."""
    # A stalled handler must end with its connection, or the server could not be stopped.
    runner = web.AppRunner(
        server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=1
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, int(runner.addresses[0][1])


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ttft-ms", type=float, default=50)
    parser.add_argument("--tpot-ms", type=float, default=5)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--model", default="m")
    parser.add_argument("--fault", default="", choices=("", *FAULTS))
    arguments = parser.parse_args()
    server = OpenAIServer(
        ttft_seconds=arguments.ttft_ms / 1000,
        tpot_seconds=arguments.tpot_ms / 1000,
        slots=arguments.slots,
        model=arguments.model,
        fault=arguments.fault,
    )
    _, port = await serve(server, arguments.port)
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
