"""A model server of the Open Inference Protocol v2 over gRPC whose capacity is exact.

``python -m tests.fakes.grpc_model_server --port 0 --service-ms 5 --workers 2`` prints its port.
"""

import argparse
import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc import aio

from protos.inference import open_inference_grpc_pb2 as pb2
from protos.inference import open_inference_grpc_pb2_grpc as pb2_grpc

Tensor = tuple[str, str, Sequence[int]]


@dataclass
class GrpcModelServer(pb2_grpc.GRPCInferenceServiceServicer):
    """Serves ``workers`` requests at a time, ``service_seconds`` each, first come first served.

    ``failure`` is the status that inference ends with. The last ``num_kept`` requests and the
    metadata of the last call are kept for a look at what came over the wire. The first
    ``num_not_ready`` questions for readiness are answered with no. Inference is answered once
    ``num_together`` requests are open.
    """

    service_seconds: float = 0.0
    workers: int = 1
    model: str = "m"
    inputs: Sequence[Tensor] = (("x", "FP32", (-1, 4)),)
    is_server_ready: bool = True
    is_model_ready: bool = True
    failure: grpc.StatusCode | None = None
    answer_bytes: int = 0
    num_not_ready: int = 0
    num_together: int = 0
    num_kept: int = 300
    num_asked: int = 0
    num_requests: int = 0
    num_open: int = 0
    most_open: int = 0
    peers: set[str] = field(default_factory=set)
    requests: list[pb2.ModelInferRequest] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    _free: list[float] = field(default_factory=list)
    _are_together: asyncio.Event = field(default_factory=asyncio.Event)

    async def ServerReady(
        self, request: pb2.ServerReadyRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb2.ServerReadyResponse:
        self.num_asked += 1
        is_ready = self.is_server_ready and self.num_asked > self.num_not_ready
        return pb2.ServerReadyResponse(ready=is_ready)

    async def ModelReady(
        self, request: pb2.ModelReadyRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb2.ModelReadyResponse:
        await self._check_name(request.name, context)
        return pb2.ModelReadyResponse(ready=self.is_model_ready)

    async def ModelMetadata(
        self, request: pb2.ModelMetadataRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb2.ModelMetadataResponse:
        await self._check_name(request.name, context)
        inputs = [
            pb2.ModelMetadataResponse.TensorMetadata(name=name, datatype=datatype, shape=shape)
            for name, datatype, shape in self.inputs
        ]
        return pb2.ModelMetadataResponse(name=self.model, inputs=inputs)

    async def ModelInfer(
        self, request: pb2.ModelInferRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb2.ModelInferResponse:
        now = asyncio.get_running_loop().time
        arrival = now()
        self._note(request, context)
        self._free = self._free or [arrival] * self.workers
        end = max(arrival, heapq.heappop(self._free)) + self.service_seconds
        heapq.heappush(self._free, end)
        self.num_open += 1
        self.most_open = max(self.most_open, self.num_open)
        try:
            if self.num_open >= self.num_together:
                self._are_together.set()
            await self._are_together.wait()
            if end > now():
                await asyncio.sleep(end - now())
        finally:
            self.num_open -= 1
        if self.failure is not None:
            await context.abort(self.failure, "planned failure")
        raw = [bytes(self.answer_bytes)] if self.answer_bytes else []
        return pb2.ModelInferResponse(model_name=self.model, raw_output_contents=raw)

    def _note(self, request: pb2.ModelInferRequest, context: aio.ServicerContext[Any, Any]) -> None:
        self.num_requests += 1
        self.peers.add(context.peer())
        if len(self.requests) < self.num_kept:
            self.requests.append(request)
            self.metadata = dict(context.invocation_metadata() or ())

    async def _check_name(self, name: str, context: aio.ServicerContext[Any, Any]) -> None:
        if name != self.model:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {name}")


async def serve(
    server: GrpcModelServer,
    port: int = 0,
    credentials: grpc.ServerCredentials | None = None,
    max_streams: int | None = None,
) -> tuple[aio.Server, int]:
    """Starts the server on a loopback port and returns what stops it, and the port."""
    options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)]
    if max_streams is not None:
        options.append(("grpc.max_concurrent_streams", max_streams))
    running = aio.server(options=options)
    pb2_grpc.add_GRPCInferenceServiceServicer_to_server(server, running)
    address = f"127.0.0.1:{port}"
    if credentials is None:
        port = running.add_insecure_port(address)
    else:
        port = running.add_secure_port(address, credentials)
    await running.start()
    return running, port


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--service-ms", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    server = GrpcModelServer(arguments.service_ms / 1000, arguments.workers, num_kept=0)
    running, port = await serve(server, arguments.port)
    print(port, flush=True)
    await running.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_main())
