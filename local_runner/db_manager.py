"""Katib's DBManager on a loopback port, over an ``ObservationStore``."""

from concurrent.futures import ThreadPoolExecutor

import grpc

from local_runner.observation_store import MetricRow, ObservationStore
from protos.katib import api_pb2, api_pb2_grpc


class DBManagerServicer(api_pb2_grpc.DBManagerServicer):
    """Serves ``api.v1.beta1.DBManager`` (pkg/db/v1beta1 in Katib)."""

    def __init__(self, store: ObservationStore) -> None:
        self._store = store

    def ReportObservationLog(  # noqa: N802, the wire's name
        self, request: api_pb2.ReportObservationLogRequest, context: grpc.ServicerContext
    ) -> api_pb2.ReportObservationLogReply:
        """Adds the rows of one report."""
        rows = [
            MetricRow(log.time_stamp, log.metric.name, log.metric.value)
            for log in request.observation_log.metric_logs
        ]
        try:
            self._store.report(request.trial_name, rows)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return api_pb2.ReportObservationLogReply()

    def GetObservationLog(  # noqa: N802, the wire's name
        self, request: api_pb2.GetObservationLogRequest, _: grpc.ServicerContext
    ) -> api_pb2.GetObservationLogReply:
        """Returns the rows of a trial, filtered by metric and time."""
        rows = self._store.rows(
            request.trial_name, request.metric_name, request.start_time, request.end_time
        )
        reply = api_pb2.GetObservationLogReply()
        for row in rows:
            metric = api_pb2.Metric(name=row.name, value=row.value)
            reply.observation_log.metric_logs.add(time_stamp=row.time, metric=metric)
        return reply

    def DeleteObservationLog(  # noqa: N802, the wire's name
        self, request: api_pb2.DeleteObservationLogRequest, _: grpc.ServicerContext
    ) -> api_pb2.DeleteObservationLogReply:
        """Deletes the rows of a trial."""
        self._store.delete(request.trial_name)
        return api_pb2.DeleteObservationLogReply()


def serve(store: ObservationStore) -> tuple[grpc.Server, str]:
    """Starts a server on a free loopback port and returns it with its ``host:port``."""
    server = grpc.server(ThreadPoolExecutor(4))
    api_pb2_grpc.add_DBManagerServicer_to_server(DBManagerServicer(store), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"
