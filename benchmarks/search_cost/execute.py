"""Runs the planned searches, in this process or in several, and hands over each as it ends."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from benchmarks.search_cost.methods.registry import Methods, Places
from benchmarks.search_cost.results import Key, Record, record_of
from benchmarks.search_cost.run import run_search
from benchmarks.search_cost.suites import problems_of


def execute(keys: Sequence[Key], num_jobs: int, places: Places) -> Iterator[Record]:
    """Runs searches and yields them in the order in which they end.

    Args:
        keys: What to run.
        num_jobs: Number of processes; with 1 everything happens in this one.
        places: What the methods need to know.
    """
    if num_jobs == 1:
        with Methods(places) as methods:
            for key in keys:
                yield _run(key, methods)
        return
    # Processes are spawned: gRPC does not survive a fork. They are born deaf to Ctrl-C, which the
    # terminal sends to all of them: the parent ends them, after the runs that they are at.
    pool = ProcessPoolExecutor(
        num_jobs,
        multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(places,),
    )
    try:
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
        futures = [pool.submit(_run_in_worker, key) for key in keys]
        signal.signal(signal.SIGINT, heard)
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run(key: Key, methods: Methods) -> Record:
    problem = problems_of(key.suite)[key.case]
    run = run_search(methods[key.method], problem.case, key.setup, problem.training)
    return record_of(key, run)


_worker_methods: Methods | None = None


def _start_worker(places: Places) -> None:
    global _worker_methods
    _worker_methods = Methods(places)


def _run_in_worker(key: Key) -> Record:
    assert _worker_methods is not None
    return _run(key, _worker_methods)
