"""Containers as process groups: start, watch, restart with backoff, stop without a trace."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from local_runner.launch import ContainerLaunch

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
# The kubelet starts at 10 s and ends at 300 s; trials here last seconds, so everything is shorter.
_FIRST_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 0.5, 8.0
MAX_RESTARTS = 5
# Server and load generator share the cores of a small machine. A request that is sent late would be
# held against the server, so the sender goes first.
_SERVER_NICENESS = 5
_LOG_TAIL_BYTES = 2000


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningContainer:
    """A container's process group; start it again after ``backoff`` when it has ended."""

    def __init__(self, launch: ContainerLaunch) -> None:
        self.launch = launch
        self.num_restarts = 0
        self._restart_at = 0.0
        self._start()

    def _start(self) -> None:
        cores = ",".join(map(str, self.launch.cores))
        niceness = str(_SERVER_NICENESS if self.launch.is_server else 0)
        command = [sys.executable, "-S", "-E", _SUPERVISOR, cores, niceness, "--"]
        with self.launch.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.launch.argv],
                cwd=self.launch.cwd,
                env=dict(self.launch.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def exit_code(self) -> int | None:
        """The exit code as a shell tells it; None while the container runs."""
        return self._process.poll()

    def keep_alive(self) -> None:
        """Starts an ended container again once its backoff has passed (restartPolicy Always)."""
        if self.exit_code() is None:
            return
        now = time.monotonic()
        if not self._restart_at:
            delay = min(_FIRST_BACKOFF_SECONDS * 2**self.num_restarts, _MAX_BACKOFF_SECONDS)
            self._restart_at = now + delay
        elif now >= self._restart_at:
            self._kill_group()
            self._restart_at = 0.0
            self.num_restarts += 1
            self._start()

    def request_stop(self) -> None:
        """Sends SIGTERM to the supervisor, which hands it on to the group once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def stop(self, grace_seconds: float) -> None:
        """Waits for the end, then kills what is left of the group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        self._kill_group()
        self._process.wait()

    def _kill_group(self) -> None:
        # The group's number is its supervisor's; it is not given away while a member lives.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def log_tail(self) -> str:
        """The last lines that the container wrote."""
        try:
            text = self.launch.log_path.read_bytes()[-_LOG_TAIL_BYTES:]
        except OSError:
            return ""
        lines = text.decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-5:])
