"""The suggestion service as the subprocess that a Deployment would run."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import grpc

from protos.katib import api_pb2_grpc


@dataclass
class Service:
    process: subprocess.Popen[str]
    port: int
    metrics_port: int
    log: IO[str]

    def end(self, timeout: float = 15) -> tuple[int, str]:
        """Waits until the process has ended; its exit code and its messages."""
        self.process.wait(timeout)
        self.log.seek(0)
        return self.process.returncode, self.log.read()

    @contextlib.contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            yield channel

    @contextlib.contextmanager
    def stub(self) -> Iterator[api_pb2_grpc.SuggestionStub]:
        with self.channel() as channel:
            yield api_pb2_grpc.SuggestionStub(channel)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "suggestion", *arguments]


@contextlib.contextmanager
def running(metrics_port: int = 0, *flags: str) -> Iterator[Service]:
    """A service on a free port; killed at the end if it still runs."""
    # Messages go to a file: nobody reads a pipe while the service runs, and a full one stops it.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command(
                "--port", "0", "--metrics-port", str(metrics_port), "--log-level", "warning", *flags
            ),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"suggestion: SERVING on port (\d+)\n", line)
            assert match, line
            yield Service(process, int(match[1]), metrics_port, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()
