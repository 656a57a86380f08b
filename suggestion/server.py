"""Process of the suggestion service: gRPC server, health, metrics, signals."""

import argparse
import ctypes
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import start_http_server
from threadpoolctl import threadpool_limits

from protos.katib import api_pb2_grpc
from suggestion.checkpoint import META_WEIGHTS
from suggestion.errors import ArtifactError
from suggestion.library import SHIPPED, Library
from suggestion.metrics import ServiceMetrics
from suggestion.servicer import MAX_CALLS, SuggestionServicer
from suggestion.settings import SURROGATES
from suggestion.surrogate_choice import SurrogateChooser

# Katib's probes ask for the second name (pkg/controller.v1beta1/consts/const.go:171-173).
HEALTH_SERVICES = ("", "manager.v1beta1.Suggestion")
DEFAULT_PORT = 6789
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
# Beyond the calls in progress: for health checks, whose limit is a second, and for refusals.
_NUM_WORKERS = MAX_CALLS + 4
_GRACE_SECONDS = 10.0
# malloc.h of glibc; searches that run at once.
_M_ARENA_MAX, _NUM_HEAPS = -8, 2

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class PortInUseError(OSError):
    """The port cannot be bound."""


@dataclass(frozen=True)
class SuggestionServer:
    """A bound server: ``start`` it, then ``stop`` it."""

    grpc_server: grpc.Server
    health: health.HealthServicer
    port: int

    def start(self) -> None:
        """Accepts calls and turns healthy."""
        self.grpc_server.start()
        self._set_health(_SERVING)

    def stop(self, grace_seconds: float = _GRACE_SECONDS) -> None:
        """Turns unhealthy, accepts nothing more and waits for running calls."""
        self._set_health(_NOT_SERVING)
        self.grpc_server.stop(grace_seconds).wait()

    def _set_health(self, status: int) -> None:
        for service in HEALTH_SERVICES:
            self.health.set(service, status)


def make_server(
    host: str, port: int, metrics: ServiceMetrics, chooser: SurrogateChooser
) -> SuggestionServer:
    """Binds a server; it does not serve yet.

    Args:
        host: Address to bind, ``0.0.0.0`` for all.
        port: Port; 0 picks a free one.
        metrics: What the servicer counts.
        chooser: Makes the surrogates.

    Raises:
        PortInUseError: the port is taken.
    """
    options = [
        # Without this, a second server on the port would silently take half of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(_NUM_WORKERS), options=options)
    servicer = health.HealthServicer(
        experimental_non_blocking=True, experimental_thread_pool=ThreadPoolExecutor(1)
    )
    for service in HEALTH_SERVICES:
        servicer.set(service, _NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    api_pb2_grpc.add_SuggestionServicer_to_server(SuggestionServicer(metrics, chooser), server)
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        bound = 0
    if bound == 0:
        raise PortInUseError(f"Port {port} must be free, but cannot be bound.")
    return SuggestionServer(server, servicer, bound)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line until SIGTERM or Ctrl-C, and returns the exit code."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # The matrices are small: several BLAS threads would spend five times as long, waiting for each
    # other. Nothing else in this process uses BLAS, so the limit stays for good.
    threadpool_limits(1, user_api="blas")
    _share_heaps()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    metrics = ServiceMetrics()
    try:
        library = Library.load(arguments.library)
        chooser = SurrogateChooser(library, arguments.meta_weights, arguments.default_surrogate)
        chooser.warm_up()
        server = make_server("0.0.0.0", arguments.port, metrics, chooser)
        if arguments.metrics_port:
            start_http_server(arguments.metrics_port, registry=metrics.registry)
    except (OSError, ArtifactError) as error:
        print(f"suggestion: {error}", file=sys.stderr)
        return 1
    server.start()
    print(f"suggestion: SERVING on port {server.port}", flush=True)
    stopped.wait()
    server.stop()
    return 0


def _share_heaps() -> None:
    """Lets all threads allocate from two heaps, where the C library has such a limit (glibc).

    Each thread would keep a heap of its own as large as its largest search: hundreds of MiB.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _NUM_HEAPS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling-suggestion",
        description="Katib suggestion service: answers GetSuggestions and "
        "ValidateAlgorithmSettings for the algorithm `morphling`.",
        epilog="exit codes: 0 stopped by SIGTERM or Ctrl-C; 1 a port is taken or a file is "
        "unusable; 2 wrong usage",
    )
    add = parser.add_argument
    add("--version", action="version", version=version("morphling-katib"))
    add("--port", type=_port, default=DEFAULT_PORT, help="gRPC port; 0 picks one (%(default)s)")
    add("--metrics-port", type=_port, default=8080, help="/metrics port; 0: off (%(default)s)")
    add("--library", type=Path, default=SHIPPED, metavar="FILE",
        help="library that `meta_training library` wrote; default: the shipped one")  # fmt: skip
    add("--meta-weights", type=Path, default=META_WEIGHTS, metavar="FILE",
        help="weights that `meta_training train` wrote; default: the shipped ones")  # fmt: skip
    add("--default-surrogate", choices=SURROGATES, default="auto",
        help="surrogate of Experiments whose settings name none (%(default)s)")  # fmt: skip
    levels = ["debug", "info", "warning", "error"]
    add("--log-level", choices=levels, default="info", help="default: %(default)s")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port must be 0 to 65535, but got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
