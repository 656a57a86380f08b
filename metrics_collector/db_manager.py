"""Client of Katib's DBManager: reports one observation log, exactly once."""

import logging
import random
import time
from collections.abc import Callable, Iterator

import grpc

from protos.katib import api_pb2, api_pb2_grpc

_log = logging.getLogger(__name__)
_CALL_SECONDS = 10.0
_FIRST_DELAY_SECONDS, _MAX_DELAY_SECONDS = 0.5, 30.0
# The request itself is at fault: trying again cannot help.
_FINAL_CODES = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}


class ReportRefusedError(RuntimeError):
    """The database refused the report for good."""


def report_once(
    address: str,
    trial_name: str,
    log: api_pb2.ObservationLog,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Reports all metrics in one request, unless the trial has rows already.

    Asking first makes a restarted collector harmless: DBManager itself keeps no order among
    reports, and a second one would change what Katib reads. While the database is away it tries
    again without end, since a trial whose metrics are lost would never finish.

    Args:
        address: DBManager's ``host:port``.
        trial_name: Name of the trial.
        log: The rows.
        sleep: How to wait between tries.

    Returns:
        Whether the rows were written now; False when the trial had some.

    Raises:
        ReportRefusedError: the database says that the request is wrong.
    """
    delays = _delays()
    while True:
        try:
            with grpc.insecure_channel(address) as channel:
                stub = api_pb2_grpc.DBManagerStub(channel)
                query = api_pb2.GetObservationLogRequest(trial_name=trial_name)
                known = stub.GetObservationLog(query, timeout=_CALL_SECONDS)
                if known.observation_log.metric_logs:
                    return False
                request = api_pb2.ReportObservationLogRequest(
                    trial_name=trial_name, observation_log=log
                )
                stub.ReportObservationLog(request, timeout=_CALL_SECONDS)
                return True
        except grpc.RpcError as error:
            if error.code() in _FINAL_CODES:
                raise ReportRefusedError(
                    f"{address} refused the report: {error.code().name}: {error.details()}"
                ) from None
            delay = next(delays)
            _log.warning(
                "%s does not take the report, trying again in %.1f s: %s: %s",
                address, delay, error.code().name, error.details(),
            )  # fmt: skip
            sleep(delay)


def _delays() -> Iterator[float]:
    """Exponential backoff; the jitter keeps many pods from asking in step."""
    delay = _FIRST_DELAY_SECONDS
    while True:
        yield delay * random.uniform(0.8, 1.2)
        delay = min(2 * delay, _MAX_DELAY_SECONDS)
