from benchmarks.load_generator.cases import CASES
from benchmarks.load_generator.queue_kinds import BatchingQueue, StalledQueue
from benchmarks.load_generator.tuning_queues import QUEUES


def test_nothing_is_tuned_on_what_is_judged() -> None:
    # A queue knows no unit of time: in units of its service time it is told by these two numbers.
    judged = {
        (case.unit_queue.engines, case.unit_slo / case.unit_queue.base_seconds)
        for case in CASES.values()
        if case.peak_rps is not None and case.unit_queue.max_batch == 1
    }
    tuning = [*QUEUES["tune"], *QUEUES["tune-stalled"]]
    queues = [queue.queue if isinstance(queue, StalledQueue) else queue for queue in tuning]
    tuned = {
        (queue.queue.engines, round(queue.slo_seconds / queue.queue.base_seconds, 6))
        for queue in queues
        if isinstance(queue, BatchingQueue) and queue.queue.max_batch == 1
    }
    assert judged
    assert tuned
    assert not judged & tuned
    names = [queue.name for split in QUEUES.values() for queue in split]
    assert len(names) == len(set(names))
