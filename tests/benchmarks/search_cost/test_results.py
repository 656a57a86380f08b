import numpy as np
import pytest

from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.results import Key, Store, record_of
from benchmarks.search_cost.run import Run

KEY = Key("suite/1", "w/s/1", "random", Setup(seed=2, noise=0.03))
RUN = Run((4, 9, 9, 1), (0.5, 0.5, 0.96, 1.0), (0.1, 0.2), (0.2, 0.3))


def test_record_counts_samples_to_shares():
    record = record_of(KEY, RUN)
    assert record.improvements == ((1, 0.5), (3, 0.96), (4, 1.0))
    assert [record.samples_to(share, 100) for share in (1.0, 0.99, 0.95, 0.5)] == [4, 4, 3, 1]
    assert record.samples_to(1.0, cap=3) == np.inf
    assert record.num_suggestions == 2
    assert record.cpu_seconds == pytest.approx(0.3)


def test_best_so_far_goes_on_after_the_end_and_stops_at_a_cap():
    record = record_of(KEY, RUN)
    np.testing.assert_array_equal(record.best_so_far(6), [0.5, 0.5, 0.96, 1, 1, 1])
    np.testing.assert_array_equal(record.best_so_far(2), [0.5, 0.5])


def test_nothing_found_is_no_improvement():
    record = record_of(KEY, Run((0, 1), (0.0, 0.0), (), ()))
    assert record.improvements == ()
    assert record.samples_to(0.9, 2) == np.inf
    np.testing.assert_array_equal(record.best_so_far(2), [0, 0])


def test_store_gives_back_what_was_added(tmp_path):
    store = Store(tmp_path / "deep" / "runs.jsonl")
    assert list(store.records()) == []
    with store:
        store.add(record_of(KEY, RUN))
    with store:
        store.add(record_of(KEY._replace(method="tpe"), RUN))
    first, second = store.records()
    assert first == record_of(KEY, RUN)
    assert second.key.method == "tpe"


def test_a_line_cut_short_is_dropped(tmp_path):
    store = Store(tmp_path / "runs.jsonl")
    with store:
        store.add(record_of(KEY, RUN))
    path = tmp_path / "runs.jsonl"
    path.write_text(path.read_text() + '{"suite": "sui')
    assert len(list(store.records())) == 1
    with store:
        store.add(record_of(KEY._replace(method="tpe"), RUN))
    assert [record.key.method for record in store.records()] == ["random", "tpe"]
