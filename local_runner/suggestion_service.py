"""The suggestion service as a subprocess, called over its socket as Katib calls it."""

import contextlib
import logging
import os
import re
import sys
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from local_runner.launch import ContainerLaunch
from local_runner.processes import RunningContainer
from protos.katib import api_pb2, api_pb2_grpc

_log = logging.getLogger(__name__)
_HEALTH_SERVICE = "manager.v1beta1.Suggestion"
# Katib's own deadline (pkg/controller.v1beta1/consts/const.go:91-94).
_CALL_SECONDS = 60.0
_START_SECONDS = 60.0
_RETRIES = 3
_SERVING = re.compile(rb"SERVING on port (\d+)")


class SuggestionServiceError(RuntimeError):
    """The service cannot be started, or keeps failing; the message says how."""


class RefusedError(ValueError):
    """The service refused the Experiment; the message is the service's."""


class SuggestionService:
    """Starts the service, and starts it again when it dies, as a Deployment would.

    Args:
        folder: Where its log goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._container: RunningContainer | None = None
        self._address = ""

    def validate(self, experiment: api_pb2.Experiment) -> None:
        """Calls ``ValidateAlgorithmSettings``.

        Raises:
            RefusedError: the Experiment has a flaw.
            SuggestionServiceError: the service does not answer.
        """
        request = api_pb2.ValidateAlgorithmSettingsRequest(experiment=experiment)
        self._call("ValidateAlgorithmSettings", request)

    def suggest(self, request: api_pb2.GetSuggestionsRequest) -> api_pb2.GetSuggestionsReply:
        """Calls ``GetSuggestions`` and checks the number of assignments, as Katib does.

        Raises:
            RefusedError: the Experiment has a flaw.
            SuggestionServiceError: the service does not answer, or answers with another number.
        """
        reply = self._call("GetSuggestions", request)
        assert isinstance(reply, api_pb2.GetSuggestionsReply)
        found = len(reply.parameter_assignments)
        if found != request.current_request_number:
            raise SuggestionServiceError(
                f"The service must return {request.current_request_number} assignments, "
                f"but returned {found}."
            )
        return reply

    def stop(self) -> None:
        """Stops the process."""
        if self._container is not None:
            self._container.request_stop()
            self._container.stop(grace_seconds=12)
            self._container = None

    def _call(self, method: str, request: object) -> object:
        problem = ""
        for _ in range(_RETRIES):
            self._ensure_running()
            try:
                with grpc.insecure_channel(self._address) as channel:
                    stub = api_pb2_grpc.SuggestionStub(channel)
                    return getattr(stub, method)(request, timeout=_CALL_SECONDS)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                    raise RefusedError(str(error.details())) from None
                problem = f"{error.code().name}: {error.details()}"
                _log.warning("%s failed, trying again: %s", method, problem)
                time.sleep(0.5)
        raise SuggestionServiceError(f"{method} failed {_RETRIES} times, last with {problem}")

    def _ensure_running(self) -> None:
        if self._container is not None and self._container.exit_code() is None:
            return
        self.stop()
        log_path = self._folder / "suggestion.log"
        log_path.unlink(missing_ok=True)
        command = (sys.executable, "-m", "suggestion", "--port", "0", "--metrics-port", "0")
        launch = ContainerLaunch(
            name="suggestion",
            argv=command,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            cwd=self._folder,
            cores=(),
            log_path=log_path,
        )
        self._container = RunningContainer(launch)
        self._address = f"127.0.0.1:{self._wait_until_serving(self._container)}"

    def _wait_until_serving(self, container: RunningContainer) -> int:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if match := _SERVING.search(container.launch.log_path.read_bytes()):
                port = int(match[1])
                if _is_healthy(f"127.0.0.1:{port}"):
                    return port
            if container.exit_code() is not None:
                break
            time.sleep(0.05)
        tail = container.log_tail()
        self.stop()
        raise SuggestionServiceError(f"The suggestion service did not start: {tail}")


def _is_healthy(address: str) -> bool:
    request = health_pb2.HealthCheckRequest(service=_HEALTH_SERVICE)
    with contextlib.suppress(grpc.RpcError), grpc.insecure_channel(address) as channel:
        reply = health_pb2_grpc.HealthStub(channel).Check(request, timeout=1.0)
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)
    return False
