"""HTTP client of a model server: readiness, metadata, and one inference request at a time."""

import asyncio
import json
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp

from load_generator.answer import GOOD, Answer
from load_generator.config import LoadTestConfig
from load_generator.payload import PayloadError, from_metadata

_READY_POLL_SECONDS = 0.2
_PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5)


class ServerNotReadyError(RuntimeError):
    """The server did not become ready in time; the message says what it answered last."""


class Client(Protocol):
    """Talks to a model server in one protocol; an asynchronous context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def wait_until_ready(self) -> float:
        """Polls until the server takes requests, and returns the seconds that took.

        Raises:
            ServerNotReadyError: ``ready_seconds`` have passed.
        """

    async def prepare(self) -> None:
        """Makes what is to be sent, from the model's metadata where needed.

        Raises:
            PayloadError: nothing can be made.
        """

    async def send(self, index: int) -> Answer:
        """Sends the request of a number, which picks the payload, and reads the answer."""


class InferenceClient:
    """Sends inference requests over kept-alive connections.

    The pool has no limit of its own: a wait for a connection would hide in the client what the
    open loop must show as latency. The number of requests in flight is bounded by the runner.
    """

    def __init__(self, config: LoadTestConfig) -> None:
        self._config = config
        self._timeout = config.timeout_seconds
        self._body = config.payload
        base = config.url.rstrip("/")
        model = f"{base}/v2/models/{config.model}"
        if config.protocol == "v2-rest":
            self._infer_url, self._ready_url = f"{model}/infer", f"{model}/ready"
            self._metadata_url = model
        elif config.protocol == "v1-rest":
            self._ready_url = f"{base}/v1/models/{config.model}"
            self._infer_url = f"{self._ready_url}:predict"
        else:
            self._infer_url = self._ready_url = config.url
        self._headers = {"Content-Type": "application/json"}

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def wait_until_ready(self) -> float:
        """Polls the server until it can take inference requests, and returns the seconds that took.

        Raises:
            ServerNotReadyError: ``ready_seconds`` have passed.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            answer = await self._readiness()
            waited = loop.time() - start
            if not answer:
                return waited
            if waited > self._config.ready_seconds:
                raise ServerNotReadyError(
                    f"The server must be ready within {self._config.ready_seconds:g} s, "
                    f"but {self._ready_url} last answered: {answer}."
                )
            await asyncio.sleep(_READY_POLL_SECONDS)

    async def _readiness(self) -> str:
        try:
            async with self._session.get(self._ready_url, timeout=_PROBE_TIMEOUT) as response:
                await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return _describe(error)
        # A plain HTTP endpoint may refuse a GET and still serve; only 5xx says "not yet" there.
        limit = 500 if self._config.protocol == "http" else 300
        return "" if response.status < limit else f"status {response.status}"

    async def prepare(self) -> None:
        """Makes the request body from the model's metadata when none was given.

        Raises:
            PayloadError: the metadata cannot be had or does not say what the model takes.
        """
        if self._body is not None or self._config.protocol != "v2-rest":
            return
        try:
            async with self._session.get(self._metadata_url, timeout=_PROBE_TIMEOUT) as response:
                text = await response.read()
            metadata: Any = json.loads(text) if response.status == 200 else None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PayloadError(
                f"{self._metadata_url} must answer with the model's metadata, "
                f"but: {_describe(error)}."
            ) from None
        if not isinstance(metadata, dict):
            raise PayloadError(
                f"{self._metadata_url} must answer with the model's metadata, "
                f"but got status {response.status} and {text[:200]!r}."
            )
        self._body = from_metadata(metadata, self._config.seed)

    async def send(self, index: int) -> Answer:  # noqa: ARG002
        """Sends one inference request and reads the whole answer."""
        method = "GET" if self._body is None else "POST"
        try:
            async with self._session.request(
                method, self._infer_url, data=self._body, headers=self._headers
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Answer(_describe(error))
        if 200 <= response.status < 300:
            return GOOD
        return Answer(f"status {response.status}: {body[:200].decode(errors='replace')}")


def _describe(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
