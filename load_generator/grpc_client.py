"""Client of the Open Inference Protocol v2 over gRPC.

Requests are serialised before the measurement, so that the load generator spends its time on
sending. An answer is good when its status is OK and it parses, which takes a microsecond or less;
what the model says is not looked at.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import grpc
from google.protobuf import message
from grpc import aio

from load_generator.answer import GOOD, Answer
from load_generator.errors import PayloadError
from load_generator.grpc_request import from_json, from_metadata
from load_generator.payload import Payloads
from load_generator.readiness import wait_until_ready
from protos.inference import open_inference_grpc_pb2 as pb2

_SERVICE = "/inference.GRPCInferenceService"
_PROBE_SECONDS = 5.0
_MAX_BYTES = 40  # of a wrong answer that are shown

# HTTP/2 advises servers to allow at least 100 streams a connection (RFC 9113, 6.5.2), and proxies
# often allow no more. One request too many would wait in the client, unseen.
_STREAMS_PER_CHANNEL = 100
# With more requests open than this has room for, the server is lost anyway.
_MAX_CHANNELS = 64

_OPTIONS = (
    ("grpc.enable_retries", 0),  # a retry would hide an error and count as a slow success
    ("grpc.use_local_subchannel_pool", 1),  # else channels of one address share a connection
    ("grpc.enable_http_proxy", 0),  # what is measured is the server
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Finds a connection that is half open. Servers refuse pings that are much more frequent.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # By default a lost server is looked for at intervals that grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.dns_min_time_between_resolutions_ms", 500),
)

_Rpc = Callable[..., aio.UnaryUnaryCall[Any, Any]]
_MessageT = TypeVar("_MessageT", bound=message.Message)
# What a call may raise: it ended with a bad status, or with a good one and no proper answer.
_FAULTS = (aio.AioRpcError, message.DecodeError)


@dataclass(slots=True, eq=False)
class _Channel:
    """One HTTP/2 connection."""

    channel: aio.Channel
    infer: _Rpc
    num_open: int = 0


class GrpcClient:
    """Sends serialised requests over as many connections as their number in flight asks for.

    Args:
        url: ``grpc://HOST:PORT``, or ``grpcs://HOST:PORT`` for TLS.
        model: Name of the served model.
        payloads: JSON of ModelInferRequest messages; None asks for requests made from the model's
            metadata.
        batch: Instances in a request that is made from the metadata.
        seed: Seed of such requests.
        timeout_seconds: Deadline of a request.
        ready_seconds: How long to wait for the server.
        headers: Metadata of every call.
        ca_certificate: PEM of the authorities to trust with TLS; None means the usual ones.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        timeout_seconds: float,
        ready_seconds: float,
        payloads: Payloads | None = None,
        batch: int = 1,
        seed: int = 0,
        headers: Mapping[str, str] | None = None,
        ca_certificate: bytes | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._address, self._is_secure = parts.netloc, parts.scheme == "grpcs"
        self._model, self._batch, self._seed = model, batch, seed
        self._payloads = payloads
        self._requests = Payloads((b"",))
        self._timeout, self._ready_seconds = timeout_seconds, ready_seconds
        self._metadata = tuple((key.lower(), value) for key, value in (headers or {}).items())
        self._ca_certificate = ca_certificate
        self._channels: list[_Channel] = []

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(each.channel.close(None) for each in self._channels))

    async def wait_until_ready(self) -> float:
        """Polls the server and its model until both are ready, and returns the seconds that took.

        Raises:
            ServerNotReadyError: ``ready_seconds`` have passed.
        """
        return await wait_until_ready(self._readiness, self._ready_seconds, self._address)

    async def _readiness(self) -> str:
        try:
            server = await self._ask(
                "ServerReady", pb2.ServerReadyRequest(), pb2.ServerReadyResponse
            )
            if not server.ready:
                return "the server is not ready"
            request = pb2.ModelReadyRequest(name=self._model)
            model = await self._ask("ModelReady", request, pb2.ModelReadyResponse)
        except _FAULTS as error:
            return _describe(error)
        return "" if model.ready else f"the model {self._model!r} is not ready"

    async def prepare(self) -> None:
        """Serialises the given payloads, or makes some from the model's metadata.

        Raises:
            PayloadError: a payload is not the JSON of a ModelInferRequest; or the metadata cannot
                be had or does not say what the model takes.
        """
        if self._payloads is not None:
            self._requests = self._payloads.converted(lambda body: from_json(body, self._model))
            return
        request = pb2.ModelMetadataRequest(name=self._model)
        try:
            metadata = await self._ask("ModelMetadata", request, pb2.ModelMetadataResponse)
        except _FAULTS as error:
            raise PayloadError(
                f"{self._address} must answer with the metadata of the model {self._model!r}, "
                f"but: {_describe(error)}."
            ) from None
        self._requests = from_metadata(metadata, self._model, self._batch, self._seed)

    async def send(self, index: int) -> Answer:
        """Sends the request of a number and reads the whole answer."""
        channel = min(self._channels, key=attrgetter("num_open"))
        if channel.num_open >= _STREAMS_PER_CHANNEL and len(self._channels) < _MAX_CHANNELS:
            channel = self._open()
        channel.num_open += 1
        try:
            data = await channel.infer(
                self._requests.pick(index), timeout=self._timeout, metadata=self._metadata
            )
            _parsed(data, pb2.ModelInferResponse)
        except _FAULTS as error:
            return Answer(error=_describe(error))
        finally:
            channel.num_open -= 1
        return GOOD

    def _open(self) -> _Channel:
        if self._is_secure:
            credentials = grpc.ssl_channel_credentials(self._ca_certificate)
            channel = aio.secure_channel(self._address, credentials, options=_OPTIONS)
        else:
            channel = aio.insecure_channel(self._address, options=_OPTIONS)
        opened = _Channel(channel, channel.unary_unary(f"{_SERVICE}/ModelInfer", None, None))
        self._channels.append(opened)
        return opened

    async def _ask(
        self, method: str, request: message.Message, response: type[_MessageT]
    ) -> _MessageT:
        # gRPC would parse the answer, but writes a traceback to the log when it cannot.
        call = self._channels[0].channel.unary_unary(
            f"{_SERVICE}/{method}", type(request).SerializeToString, None
        )
        data = await call(request, timeout=_PROBE_SECONDS, metadata=self._metadata)
        return _parsed(data, response)


def _parsed(data: object, kind: type[_MessageT]) -> _MessageT:
    """Parses an answer.

    Raises:
        DecodeError: it is no such message; or there is none, whatever the status says.
    """
    name = kind.DESCRIPTOR.name
    if not isinstance(data, bytes):
        raise message.DecodeError(f"the answer must be a {name}, but is missing")
    try:
        return kind.FromString(data)
    except message.DecodeError:
        raise message.DecodeError(
            f"the answer must be a {name}, but got {data[:_MAX_BYTES]!r}"
        ) from None


def _describe(error: aio.AioRpcError | message.DecodeError) -> str:
    if isinstance(error, message.DecodeError):
        return str(error)
    return f"{error.code().name}: {error.details() or 'no details':.300}"
