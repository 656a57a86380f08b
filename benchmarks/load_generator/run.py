"""Runs what is not yet measured: slow servers several at a time, all others alone."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from benchmarks.load_generator.cases import CASES, Case
from benchmarks.load_generator.client_runs import (
    closed_clients,
    closed_loop,
    stall,
    stall_clients,
)
from benchmarks.load_generator.commands import CommandError
from benchmarks.load_generator.methods import METHODS
from benchmarks.load_generator.results import ClosedLoop, Measurement, Stall, Store, Window
from benchmarks.load_generator.servers import ServerFailedError
from benchmarks.load_generator.windows import measure_windows

TRUTH = "truth"


@dataclass(frozen=True)
class Task:
    """One repeat of one method on one server; of ``TRUTH``, some windows."""

    repeat: int
    case: str
    method: str


def plan(cases: Sequence[str], methods: Sequence[str], num_repeats: int) -> Iterator[Task]:
    """All tasks. Methods take turns, so that a machine that changes changes for all of them."""
    for case in cases:
        for repeat in range(1, num_repeats + 1):
            for method in methods:
                if _applies(CASES[case], method):
                    yield Task(repeat, case, method)


def _applies(case: Case, method: str) -> bool:
    if method == TRUTH:
        return case.peak_rps is None
    return case.protocol in METHODS[method].protocols


def run_missing(
    tasks: Sequence[Task], num_jobs: int, searches: Store[Measurement], windows: Store[Window]
) -> int:
    """Runs the tasks that the stores do not hold; returns how many have failed."""
    done = {Task(m.repeat, m.case, m.method) for m in searches.values()}
    done |= {Task(w.repeat, w.case, TRUTH) for w in windows.values()}
    missing = [task for task in tasks if task not in done]
    light = [task for task in missing if num_jobs > 1 and CASES[task.case].is_light]
    alone = [task for task in missing if task not in light]
    for case in dict.fromkeys(task.case for task in missing):
        CASES[case].describe()  # works out the truth: not while others measure

    def attempt(task: Task) -> bool:
        label = f"{task.case}, {task.method}, repeat {task.repeat}"
        return _attempted(partial(_run, task, searches, windows), label)

    with ThreadPoolExecutor(num_jobs) as pool:
        results = list(pool.map(attempt, light))
    # In the main thread, where a signal ends them at once.
    results += [attempt(task) for task in alone]
    return results.count(False)


def run_clients(num_repeats: int, loops: Store[ClosedLoop], stalls: Store[Stall]) -> int:
    """Measures the clients themselves, where the stores do not hold it; returns failures."""
    results = []
    known_loops = {(loop.repeat, loop.client) for loop in loops.values()}
    known_stalls = {(one.repeat, one.client, one.text) for one in stalls.values()}
    for repeat in range(1, num_repeats + 1):
        for client in closed_clients():
            if (repeat, client) not in known_loops:
                measure = partial(_measure_cost, client, repeat, loops)
                results.append(_attempted(measure, f"{client}, cost, repeat {repeat}"))
        for client, text in stall_clients(repeat):
            if (repeat, client, text) not in known_stalls:
                measure = partial(_measure_stall, client, text, repeat, stalls)
                results.append(_attempted(measure, f"{client}, {text}, repeat {repeat}"))
    return results.count(False)


def _measure_cost(client: str, repeat: int, loops: Store[ClosedLoop]) -> str:
    loops.add(loop := closed_loop(client, repeat))
    return f"{loop.num_requests / loop.cpu_seconds:.0f} requests a CPU second"


def _measure_stall(client: str, text: str, repeat: int, stalls: Store[Stall]) -> str:
    stalls.add(found := stall(client, text, repeat))
    return f"p99 {found.p99_ms:.0f} ms"


def _attempted(run: Callable[[], str], label: str) -> bool:
    try:
        print(f"{label}: {run()}", flush=True)
    except (CommandError, ServerFailedError, OSError, ValueError) as error:
        # One client that fails, or prints what cannot be read, must not end a run of hours.
        print(f"{label} failed: {error}", file=sys.stderr, flush=True)
        return False
    return True


def _run(task: Task, searches: Store[Measurement], windows: Store[Window]) -> str:
    case = CASES[task.case]
    with case.server.running() as address:
        if task.method == TRUTH:
            known = [w for w in windows.values() if w.case == case.name]
            for window in measure_windows(case, address, known, task.repeat):
                windows.add(window)
            return "windows done"
        found = METHODS[task.method].find(case, address, task.repeat)
    searches.add(
        Measurement(
            case=task.case,
            method=task.method,
            repeat=task.repeat,
            peak_rps=found.peak_rps,
            low_rps=found.low_rps,
            high_rps=found.high_rps,
            num_requests=found.num_requests,
            cpu_seconds=found.cpu_seconds,
            seconds=found.seconds,
        )
    )
    return f"{found.peak_rps:.1f} rps in {found.seconds:.0f} s"
