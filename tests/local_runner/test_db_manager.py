"""The embedded DBManager over a real socket."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from local_runner.db_manager import serve
from local_runner.observation_store import ObservationStore
from protos.katib import api_pb2, api_pb2_grpc


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[api_pb2_grpc.DBManagerStub]:
    store = ObservationStore(tmp_path / "observations.sqlite")
    server, address = serve(store)
    with grpc.insecure_channel(address) as channel:
        yield api_pb2_grpc.DBManagerStub(channel)
    server.stop(None).wait()
    store.close()


def report(*rows: tuple[str, str, str], trial: str = "t") -> api_pb2.ReportObservationLogRequest:
    request = api_pb2.ReportObservationLogRequest(trial_name=trial)
    for time, name, value in rows:
        request.observation_log.metric_logs.add(
            time_stamp=time, metric=api_pb2.Metric(name=name, value=value)
        )
    return request


def rows(stub: api_pb2_grpc.DBManagerStub, **query: str) -> list[tuple[str, str, str]]:
    reply = stub.GetObservationLog(api_pb2.GetObservationLogRequest(trial_name="t", **query))
    return [
        (log.time_stamp, log.metric.name, log.metric.value)
        for log in reply.observation_log.metric_logs
    ]


def test_rows_come_back_in_order_of_time_and_by_filter(stub: api_pb2_grpc.DBManagerStub):
    late, early = ("2026-01-02T00:00:02Z", "a", "1"), ("2026-01-02T00:00:01Z", "b", "2")
    stub.ReportObservationLog(report(late, early))
    stub.ReportObservationLog(report(("2026-01-02T00:00:00Z", "a", "9"), trial="other"))
    assert rows(stub) == [early, late]
    assert rows(stub, metric_name="a") == [late]
    assert rows(stub, start_time="2026-01-02T00:00:02Z") == [late]
    assert rows(stub, end_time="2026-01-02T00:00:01Z") == [early]
    stub.DeleteObservationLog(api_pb2.DeleteObservationLogRequest(trial_name="t"))
    assert rows(stub) == []


def test_rows_without_a_time_are_dropped_and_none_left_is_an_error(
    stub: api_pb2_grpc.DBManagerStub,
):
    timed = ("2026-01-02T00:00:02Z", "a", "1")
    stub.ReportObservationLog(report(("", "b", "2"), timed))
    assert rows(stub) == [timed]
    with pytest.raises(grpc.RpcError) as caught:
        stub.ReportObservationLog(report(("", "b", "2")))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "must hold a row with a time stamp" in caught.value.details()
