"""Client of the OpenAI API for language models, whose answers are streamed token by token."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from load_generator.answer import Answer
from load_generator.http_connection import HttpPool
from load_generator.http_response import HttpError, HttpResponse
from load_generator.prompts import Prompt, Prompts
from load_generator.readiness import wait_until_ready
from load_generator.token_stream import TokenStream, TokenStreamError

PATHS = {"openai-completions": "/completions", "openai-chat": "/chat/completions"}

_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}
_MAX_TEXT = 200


@dataclass(kw_only=True)
class OpenAIClient:
    """Sends prompts and reads the streams. Implements ``client.Client``.

    Attributes:
        http: Connections to the server; closed with the client.
        protocol: ``openai-completions`` or ``openai-chat``.
        model: Name of the model.
        prompts: What to send.
        base_path: What stands before the paths of the API, ``/v1`` or KServe's ``/openai/v1``.
        ignore_eos: Whether to ask for answers of exactly the drawn length, by two fields that are
            not OpenAI's. Without them the length is a limit.
        ready_seconds: How long to wait for the server.
        numbers: Numbers of the prompts, none of which may come again against this server.
    """

    http: HttpPool
    protocol: str
    model: str
    prompts: Prompts
    base_path: str = "/v1"
    ignore_eos: bool = True
    ready_seconds: float
    numbers: Iterator[int] = field(default_factory=itertools.count)
    _num_counted: int = field(default=0, init=False)
    _prompt_tokens: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._base = self.base_path.rstrip("/")
        self._target = self._base + PATHS[self.protocol]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    @property
    def mean_prompt_tokens(self) -> float | None:
        """Mean length of the prompts as the server counts it; None when it does not say."""
        return self._prompt_tokens / self._num_counted if self._num_counted else None

    async def wait_until_ready(self) -> float:
        """Polls the list of models until it holds the model, and returns the seconds that took.

        Raises:
            ServerNotReadyError: ``ready_seconds`` have passed.
        """
        what = f"{self._base}/models"
        return await wait_until_ready(self._readiness, self.ready_seconds, what)

    async def _readiness(self) -> str:
        """What is wrong with the list of models, asked for once; empty when it is right."""
        try:
            response = await self.http.request("GET", f"{self._base}/models")
        except HttpError as error:
            return str(error)
        if response.status != 200:
            return f"status {response.status}"
        names = _model_names(response.body)
        if names is None:
            return f"it is no list of models but {_start(response)!r}"
        listed = ", ".join(names) or "none"
        return "" if self.model in names else f"it lists {listed}, not {self.model!r}"

    async def prepare(self) -> None:
        """Does nothing: the prompts are there from the beginning."""

    async def send(self, index: int) -> Answer:
        """Sends one prompt and reads the whole stream."""
        prompt = self.prompts.pick(index, next(self.numbers))
        body = json.dumps(self._request(prompt)).encode()
        stream = TokenStream(time.monotonic)
        try:
            response = await self.http.request("POST", self._target, body, _HEADERS, stream.feed)
        except (HttpError, TokenStreamError) as error:
            return Answer(str(error))
        if not 200 <= response.status < 300:
            return Answer(self._refusal(response))
        if stream.prompt_tokens:
            self._num_counted += 1
            self._prompt_tokens += stream.prompt_tokens
        return stream.answer(prompt.max_tokens, is_exact=self.ignore_eos)

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": prompt.max_tokens,
            # The most likely token each time: the same answer in every trial.
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.protocol == "openai-chat":
            said = [{"role": "user", "content": prompt.text}]
            request["messages"] = said if prompt.messages is None else prompt.messages
        else:
            request["prompt"] = prompt.text
        if self.ignore_eos:
            request |= {"ignore_eos": True, "min_tokens": prompt.max_tokens}
        return request

    def _refusal(self, response: HttpResponse) -> str:
        fault = f"status {response.status}: {_start(response)}"
        is_about_fields = b"ignore_eos" in response.body or b"min_tokens" in response.body
        if self.ignore_eos and is_about_fields:
            fault += " (--no-ignore-eos leaves out ignore_eos and min_tokens)"
        return fault


def _model_names(body: bytes) -> list[str] | None:
    """The models of an answer to ``GET /models``; None when it is no such answer."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    models = found.get("data") if isinstance(found, dict) else None
    if not isinstance(models, list):
        return None
    return [str(model.get("id")) for model in models if isinstance(model, dict)]


def _start(response: HttpResponse) -> str:
    return response.body[:_MAX_TEXT].decode(errors="replace")
