"""Client of the inference protocols over HTTP: KServe's V1, Open Inference v2, and plain HTTP."""

import json
from typing import Any, Self

from load_generator.answer import GOOD, Answer
from load_generator.config import LoadTestConfig
from load_generator.errors import PayloadError
from load_generator.http_connection import HttpPool
from load_generator.http_response import HttpError
from load_generator.payload import Payloads, binary_from_json, binary_payloads, json_payloads
from load_generator.readiness import wait_until_ready

_MAX_TEXT = 200


class RestClient:
    """Sends request bodies that are made before the measurement.

    Args:
        config: What to talk to.
        http: Connections to the server; closed with the client.
    """

    def __init__(self, config: LoadTestConfig, http: HttpPool) -> None:
        self._config, self._http = config, http
        self._payloads = config.payloads or Payloads((b"",))
        self._metadata = f"/v2/models/{config.model}"
        self._ready, self._infer = _targets(config.protocol, config.model)
        self._method = "GET" if config.protocol == "http" and config.payloads is None else "POST"
        self._headers = self._headers_of(self._payloads)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def wait_until_ready(self) -> float:
        """Polls the server until it can take inference requests, and returns the seconds.

        Raises:
            ServerNotReadyError: ``ready_seconds`` have passed.
        """
        what = self._config.url.rstrip("/") + self._ready
        return await wait_until_ready(self._readiness, self._config.ready_seconds, what)

    async def _readiness(self) -> str:
        try:
            response = await self._http.request("GET", self._ready)
        except HttpError as error:
            return str(error)
        # A plain HTTP endpoint may refuse a GET and still serve: with 4xx, or with 501 (an
        # unknown method, RFC 9110), as of Python's http.server. Any other 5xx says "not yet".
        is_refusal = response.status < 500 or response.status == 501
        is_ready = is_refusal if self._config.protocol == "http" else response.status < 300
        return "" if is_ready else f"status {response.status}"

    async def prepare(self) -> None:
        """Makes the request bodies, from the model's metadata when none were given.

        Raises:
            PayloadError: the metadata cannot be had or does not say what the model takes; or a
                given body has no binary form.
        """
        config = self._config
        if config.protocol == "v2-rest-binary":
            if config.payloads is not None:
                self._payloads = binary_from_json(config.payloads)
            else:
                metadata = await self._read_metadata()
                self._payloads = binary_payloads(metadata, config.seed, config.batch)
        elif config.protocol == "v2-rest" and config.payloads is None:
            metadata = await self._read_metadata()
            self._payloads = json_payloads(metadata, config.seed, config.batch)
        self._headers = self._headers_of(self._payloads)

    async def send(self, index: int) -> Answer:
        """Sends one inference request and reads the whole answer."""
        body = self._payloads.pick(index)
        try:
            response = await self._http.request(self._method, self._infer, body, self._headers)
        except HttpError as error:
            return Answer(str(error))
        if 200 <= response.status < 300:
            return GOOD
        text = response.body[:_MAX_TEXT].decode(errors="replace")
        return Answer(f"status {response.status}: {text}")

    async def _read_metadata(self) -> dict[str, Any]:
        where = f"{self._config.url.rstrip('/')}{self._metadata} must answer with the metadata"
        try:
            response = await self._http.request("GET", self._metadata)
        except HttpError as error:
            raise PayloadError(f"{where}, but: {error}.") from None
        try:
            metadata = json.loads(response.body) if response.status == 200 else None
        except ValueError:
            metadata = None
        if not isinstance(metadata, dict):
            raise PayloadError(
                f"{where}, but got status {response.status} and {response.body[:_MAX_TEXT]!r}."
            )
        return metadata

    def _headers_of(self, payloads: Payloads) -> dict[str, str]:
        given = {name.lower() for name in self._config.headers}
        headers = {"Content-Type": "application/json", **payloads.headers}
        return {name: value for name, value in headers.items() if name.lower() not in given}


def _targets(protocol: str, model: str) -> tuple[str, str]:
    """Paths that answer whether the model is ready, and to which requests go."""
    if protocol == "v1-rest":
        return f"/v1/models/{model}", f"/v1/models/{model}:predict"
    if protocol == "http":
        return "", ""
    return f"/v2/models/{model}/ready", f"/v2/models/{model}/infer"
