"""Whole Experiments under Katib's faults: they end, repeat nothing and find what others find."""

import itertools
import math
import signal
import statistics
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from protos.katib import api_pb2
from tests.contract import service as process
from tests.fakes.katib_controller import Faults, KatibExperiment, ValidationFailedError
from tests.fakes.katib_trials import Outcome
from tests.suggestion.experiments import experiment, parameter, trial

Objective = Callable[[Mapping[str, str]], float | None]


class RestartableService:
    """A service process that can be killed; the next one listens somewhere else."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.restart()

    @property
    def port(self) -> int:
        return self._running.port

    def restart(self, number: signal.Signals = signal.SIGKILL) -> None:
        if number is signal.SIGTERM:
            self._running.process.send_signal(number)
            assert self._running.end()[0] == 0
        self._stack.close()
        self._running = self._stack.enter_context(process.running())

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def service() -> Iterator[RestartableService]:
    started = RestartableService()
    yield started
    started.close()


@dataclass(frozen=True)
class World:
    """A space and its truth; ``optimum`` is the best objective there is."""

    parameters: tuple[api_pb2.ParameterSpec, ...]
    objective: Objective
    size: float
    optimum: float


def serving_rate(a: Mapping[str, str]) -> float | None:
    """A service that does not fit into little memory and whose GPU or cores are the limit."""
    cores, memory, batch = int(a["cpu_cores"]), float(a["gpu_memory_percent"]), int(a["batch_size"])
    if memory < 6 + 0.1 * batch:
        return None
    speed = {"T4": 1.0, "V100": 2.4}[a["gpu_type"]]
    rate = min(60 * cores**0.8, 90 * speed * batch / (batch + 6)) / (1 + batch / 90)
    return rate / (0.2 + 0.03 * memory + 0.05 * cores + 0.6 * speed)


def smooth(a: Mapping[str, str]) -> float | None:
    x, y = float(a["x"]), float(a["y"])
    if x + y > 1.7:
        return None
    return 100 * math.exp(-((x - 0.3) ** 2) * 8 - (y - 0.6) ** 2 * 6) * {"a": 1.0, "b": 0.7}[a["z"]]


GRID = {
    "cpu_cores": [str(c) for c in range(1, 6)],
    "gpu_memory_percent": ["5", "10", "20", "40"],
    "batch_size": ["1", "4", "16", "64"],
    "gpu_type": ["T4", "V100"],
}
SERVING = World(
    (
        parameter("cpu_cores", "INT", low="1", high="5"),
        *(
            parameter(name, "DISCRETE", values=GRID[name])
            for name in ("gpu_memory_percent", "batch_size")
        ),
        parameter("gpu_type", "CATEGORICAL", values=GRID["gpu_type"]),
    ),
    serving_rate,
    160,
    max(
        serving_rate(dict(zip(GRID, values, strict=True))) or 0
        for values in itertools.product(*GRID.values())
    ),
)
CONTINUOUS = World(
    (
        parameter("x", "DOUBLE", low="0", high="1"),
        parameter("y", "DOUBLE", low="0", high="1", step="0.05"),
        parameter("z", "CATEGORICAL", values=["a", "b"]),
    ),
    smooth,
    math.inf,
    100.0,
)
TINY = World(
    (parameter("x", "INT", low="1", high="3"), parameter("only", "CATEGORICAL", values=["one"])),
    lambda a: float(a["x"]),
    3,
    3.0,
)
FAULTS = Faults(
    dropped=0.3,
    missing=0.2,
    unanswered=0.15,
    shuffled=0.5,
    deleted=0.03,
    outcomes={
        Outcome.NOT_A_NUMBER: 0.03, Outcome.INFINITE: 0.02, Outcome.UNPARSABLE: 0.02,
        Outcome.UNAVAILABLE: 0.03, Outcome.FAILED: 0.03, Outcome.KILLED: 0.03,
        Outcome.EARLY_STOPPED_UNSEEN: 0.04, Outcome.EARLY_STOPPED: 0.05,
    },
    foreign=(
        trial({"learning_rate": "0.1"}, "1e9", name="e-namesake1"),
        trial({"cpu_cores": "900", "gpu_memory_percent": "5", "batch_size": "1", "gpu_type": "T4"},
              "1e9", name="e-namesake2"),
        trial({}, None, "FAILED", name="e-namesake3"),
        # One that fits is taken for what it says: a configuration that is slow indeed.
        trial({"cpu_cores": "1", "gpu_memory_percent": "40", "batch_size": "1", "gpu_type": "V100"},
              "5.0", name="e-namesake4"),
    ),
)  # fmt: skip


def katib(
    world: World,
    faults: Faults,
    seed: int,
    *,
    parallel: int = 3,
    max_trials: int = 20,
    name: str = "e",
    **settings: str,
) -> KatibExperiment:
    spec = experiment(*world.parameters, max_trials=max_trials, name=name, settings=settings)
    spec.spec.parallel_trial_count = parallel
    return KatibExperiment(spec, world.objective, world.size, faults, seed)


@pytest.mark.parametrize("world", [SERVING, CONTINUOUS], ids=["serving", "continuous"])
def test_faults_change_nothing_that_matters(service: RestartableService, world: World):
    clean, faulty, unanswered = [], [], 0
    for seed in range(4):
        for faults, found in ((Faults(), clean), (FAULTS, faulty)):
            # A third of the faulty trials teach nothing, and get as many more.
            tested = katib(world, faults, seed, max_trials=20 if faults is not FAULTS else 26)
            tested.run(service)
            assert tested.num_repeats == 0
            unanswered += tested.num_unanswered
            assert len(tested.trials) >= tested.spec.spec.max_trial_count
            found.append(tested.best / world.optimum)
    assert unanswered > 0
    assert statistics.mean(clean) > 0.93
    # One run differs from the next by up to 0.1, by which trials happen to fail.
    assert statistics.mean(faulty) > statistics.mean(clean) - 0.06


def test_a_killed_process_changes_no_suggestion(service: RestartableService):
    runs = []
    for restart in (0.0, 0.5):
        tested = katib(SERVING, Faults(dropped=0.2), 5, max_trials=12)
        # The same draws, but for what becomes of the process.
        tested.faults = replace(tested.faults, restart=restart)
        tested.run(service)
        runs.append(tested)
    assert runs[1].num_restarts >= 2  # one of each kind
    assert [a for _, a in runs[0].suggestions] == [a for _, a in runs[1].suggestions]


def test_lost_suggestions_are_never_missed(service: RestartableService):
    lossy = katib(CONTINUOUS, Faults(dropped=1.0, shuffled=1.0), 2, max_trials=12)
    lossless = katib(CONTINUOUS, Faults(), 2, max_trials=12)
    for tested in (lossy, lossless):
        tested.run(service)
    assert lossy.num_dropped >= 4
    assert len(lossy.trials) == len(lossless.trials) == 12


@pytest.mark.parametrize(("max_trials", "num_repeats"), [(3, 0), (8, 5)])
@pytest.mark.parametrize("parallel", [1, 3])
def test_an_exhausted_space_ends_all_the_same(
    service: RestartableService, max_trials: int, num_repeats: int, parallel: int
):
    tested = katib(TINY, Faults(), 0, parallel=parallel, max_trials=max_trials)
    tested.run(service)
    assert (len(tested.trials), tested.num_repeats) == (max_trials, num_repeats)
    assert {t.assignments["x"] for t in tested.trials} == {"1", "2", "3"}
    # What is measured again is what may be the best.
    again = [t.assignments["x"] for t in tested.trials[3:]]
    assert again.count("1") == 0


def test_fifty_trials_at_a_time(service: RestartableService):
    for world in (SERVING, CONTINUOUS):
        tested = katib(world, Faults(), 1, parallel=50, max_trials=120)
        tested.run(service)
        assert (len(tested.trials), tested.num_repeats) == (120, 0)
        assert tested.best > 0.95 * world.optimum


TWENTY = World(
    (
        *(parameter(f"x{n}", "DOUBLE", low="-1", high="1") for n in range(12)),
        *(parameter(f"n{n}", "INT", low="1", high="9") for n in range(4)),
        *(parameter(f"c{n}", "CATEGORICAL", values=["a", "b", "c"]) for n in range(4)),
    ),
    lambda a: 10 + sum(float(a[f"x{n}"]) for n in range(12)) + (a["c0"] == "b"),
    math.inf,
    23.0,
)
BILLION = World(
    tuple(parameter(f"n{n}", "INT", low="0", high="999") for n in range(3)),
    lambda a: 3000 - sum(abs(int(a[f"n{n}"]) - 700) for n in range(3)),
    1e9,
    3000.0,
)


@pytest.mark.parametrize(
    ("world", "share"), [(TWENTY, 0.7), (BILLION, 0.95)], ids=["20 parameters", "10^9"]
)
def test_large_spaces(service: RestartableService, world: World, share: float):
    tested = katib(world, Faults(dropped=0.2), 1, parallel=2, max_trials=40)
    tested.run(service)
    assert (len(tested.trials), tested.num_repeats) == (40, 0)
    # Random search: 0.64 and 0.92, median of 50 seeds.
    assert tested.best > share * world.optimum


def test_a_space_of_one_configuration(service: RestartableService):
    world = World(
        (parameter("x", "DISCRETE", values=["4"]), parameter("y", "DOUBLE", low="2", high="2")),
        lambda _: 1.0, 1, 1.0,
    )  # fmt: skip
    tested = katib(world, Faults(), 0, max_trials=5)
    tested.run(service)
    assert [dict(t.assignments) for t in tested.trials] == [{"x": "4", "y": "2.0"}] * 5


def test_a_service_that_runs_nowhere(service: RestartableService):
    nowhere = replace(SERVING, objective=lambda _: None)
    tested = katib(nowhere, Faults(), 0, max_trials=30)
    tested.run(service)
    assert (len(tested.trials), tested.num_repeats) == (30, 0)


def test_ten_experiments_at_once_get_what_each_would_get_alone(service: RestartableService):
    def tested(number: int) -> list[dict[str, str]]:
        world = (SERVING, CONTINUOUS)[number % 2]
        one = katib(world, Faults(dropped=0.2), number, max_trials=8, name=f"e{number}")
        one.run(service)
        return [assignments for _, assignments in one.suggestions]

    with ThreadPoolExecutor(10) as pool:
        together = list(pool.map(tested, range(10)))
    assert [tested(number) for number in (3, 6)] == [together[3], together[6]]
    assert together[2] != together[4]


def test_lowering_the_parallel_count_midway(service: RestartableService):
    tested = katib(SERVING, Faults(), 3, parallel=6, max_trials=18)
    for _ in range(3):
        tested.reconcile(service)
    # experiment_controller.go:374-454: the newest active trials and their suggestions go.
    active = [t for t in tested.trials if not t.is_ended]
    gone = {t.name for t in active[2:]}
    tested.trials = [t for t in tested.trials if t.name not in gone]
    tested.suggestions = [s for s in tested.suggestions if s[0] not in gone]
    tested.spec.spec.parallel_trial_count = 2
    tested.run(service)
    assert (len(tested.trials), tested.num_repeats) == (18, 0)


def test_an_invalid_experiment_ends_at_once(service: RestartableService):
    tested = katib(TINY, Faults(), 0, acq_func="best")
    with pytest.raises(ValidationFailedError, match="acq_func best is not supported"):
        tested.run(service)
    assert not tested.trials
