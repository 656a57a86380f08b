"""Measures how Katib's skopt service works on the same requests.

Its process is not started: what is timed is what its ``GetSuggestions`` does, without gRPC. It
keeps its optimizer from call to call, so that the usual call brings one new trial; the first call
after a restart of the pod brings all.
"""

import multiprocessing
import os
import time
import warnings

import skopt

from benchmarks.search_cost.methods.katib_skopt import make_optimizer
from benchmarks.suggestion_latency.measurement import Measurement, resident_mib
from benchmarks.suggestion_latency.requests import LARGE, SMALL, Space, request
from protos.katib import api_pb2

# Nearly a minute each.
_NUM_LARGE_CALLS = 2


def measure_katib_skopt(num_calls: int, core: int) -> Measurement:
    """Times it in a process of its own, on one core.

    Args:
        num_calls: Calls on the small space; each brings one of the last trials.
        core: The core that it may use.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (num_calls, core))


def _measure(num_calls: int, core: int) -> Measurement:
    os.sched_setaffinity(0, {core})
    warnings.simplefilter("ignore")
    first, calls = _calls(SMALL, num_calls)
    small = resident_mib(os.getpid())
    _, large = _calls(LARGE, _NUM_LARGE_CALLS)
    return Measurement("Katib's skopt", None, first, calls, large, small, resident_mib(os.getpid()))


def _calls(space: Space, num_calls: int) -> tuple[float, list[float]]:
    """Seconds of a first call with all trials, and of calls that bring one trial each."""
    trials = [
        trial
        for trial in request(space, {}, seed=1).trials
        if trial.status.condition == api_pb2.TrialStatus.SUCCEEDED
    ]
    first = _answer(_optimizer(space), space, trials)
    optimizer = _optimizer(space)
    _answer(optimizer, space, trials[:-num_calls])
    return first, [
        _answer(optimizer, space, [trial]) for trial in trials[len(trials) - num_calls :]
    ]


def _optimizer(space: Space) -> skopt.Optimizer:
    return make_optimizer(space.parameters, space.kinds, seed=0)


def _answer(optimizer: skopt.Optimizer, space: Space, trials: list[api_pb2.Trial]) -> float:
    begun = time.perf_counter()
    points = [
        [
            int(pair.value) if space.kinds[pair.name] == "int" else pair.value
            for pair in trial.spec.parameter_assignments.assignments
        ]
        for trial in trials
    ]
    losses = [-float(trial.status.observation.metrics[0].value) for trial in trials]
    optimizer.tell(points, losses)
    optimizer.ask(n_points=1)
    return time.perf_counter() - begun
