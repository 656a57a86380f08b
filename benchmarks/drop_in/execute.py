"""Runs the planned searches in one process or in several."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache

from benchmarks.drop_in.methods.hyperopt_tpe import HyperoptTpe
from benchmarks.drop_in.methods.katib_skopt import KatibSkopt
from benchmarks.drop_in.methods.optuna_tpe import OptunaTpe
from benchmarks.drop_in.methods.ours import Ours
from benchmarks.drop_in.methods.uniform import Uniform
from benchmarks.drop_in.plan import BUDGET
from benchmarks.drop_in.results import Key, Record
from benchmarks.drop_in.search import Method, run_search
from benchmarks.drop_in.suites import problem_named
from benchmarks.search_cost.methods.ours import Services


def execute(keys: Sequence[Key], num_jobs: int) -> Iterator[Record]:
    """Runs searches and yields them in the order in which they end."""
    # Processes are spawned: gRPC does not survive a fork. They are born deaf to Ctrl-C, which the
    # terminal sends to all of them: the parent ends them, after the runs that they are at.
    pool = ProcessPoolExecutor(num_jobs, multiprocessing.get_context("spawn"))
    try:
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
        futures = [pool.submit(_record, key) for key in keys]
        signal.signal(signal.SIGINT, heard)
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _record(key: Key) -> Record:
    instance = problem_named(key.problem).instance(key.instance)
    run = run_search(method_named(key.method), instance, key.seed, BUDGET, key.parallel)
    return Record(key, run)


@cache
def method_named(name: str) -> Method:
    """A method, made once a process; the server of ours lives as long as the process."""
    if name == "morphling":
        return Ours(_services())
    peers: dict[str, Callable[[], Method]] = {
        "skopt": KatibSkopt,
        "tpe": OptunaTpe,
        "hyperopt": HyperoptTpe,
        "random": Uniform,
    }
    return peers[name]()


@cache
def _services() -> Services:
    return Services().__enter__()
