"""Particles on an Experiment's own grid, from simulated services and from tables."""

import numpy as np
import pytest

from meta_training.build_library import build_library
from suggestion.errors import InvalidExperimentError
from suggestion.gpu import GPUS
from suggestion.knob_values import columns_of, gpu_model
from suggestion.library import FIELDS
from suggestion.particles import POWER, Particles, particles_for
from suggestion.prices import Prices
from suggestion.search_space import SearchSpace
from suggestion.serving_simulator import Configurations, ServiceParameters, peak_rps
from suggestion.simulated_particles import SimulatedParticles
from suggestion.table_particles import TableParticles
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import SERVING_SPACE, simulated, space, table, tabled

KNOBS = {name: name for name in ("cpu_cores", "gpu_memory_percent", "batch_size", "gpu_type")}
ENGINES = space(
    parameter("backend", "CATEGORICAL", values=["c", "a"]),
    parameter("max_batch", "DISCRETE", values=["2", "4", "8"]),
)


def made(searched: SearchSpace, knobs: dict[str, str], **changes: object) -> Particles:
    arguments = {"library": simulated(), "prices": None, "objective": "rate", **changes}
    found = particles_for(space=searched, knobs=knobs, **arguments)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_simulated_particle_is_the_simulator_on_the_grid():
    library = simulated(3)
    points = SERVING_SPACE.enumerate()
    columns = columns_of(SERVING_SPACE, KNOBS, points)
    source = SimulatedParticles(library.simulated, Prices(base=2.0), 0.0, 1)
    found = source.objective(columns, len(points), np.array([2]))
    rng = np.random.default_rng(1)
    factors = {
        name: np.exp(rng.normal(0, 1, (3, 2)) * 0.15)[2]
        for name in ("attainable_flops", "bytes_per_second")
    }
    gpus = [a["gpu_type"] for a in map(SERVING_SPACE.assignments_of, points)]
    at = Configurations(
        columns["cpu_cores"].numbers,
        columns["batch_size"].numbers,
        columns["gpu_memory_percent"].numbers,
        np.ones(len(points)),
        tuple(GPUS[gpu] for gpu in gpus),
        {
            name: np.array([factor[["T4", "V100"].index(gpu)] for gpu in gpus])
            for name, factor in factors.items()
        },
    )
    parameters = dict(zip(FIELDS, map(float, library.simulated[2]), strict=True))
    expected = peak_rps(ServiceParameters(**parameters), at) / 2.0  # type: ignore[arg-type]
    assert found[0] == pytest.approx(expected, rel=1e-5)


def test_surfaces_are_shares_of_the_top_to_a_power():
    particles = made(SERVING_SPACE, KNOBS)
    surfaces = particles.surfaces(SERVING_SPACE.enumerate())
    tops = surfaces.max(axis=1)
    assert set(np.round(tops, 5).tolist()) <= {0.0, 1.0}  # a service may run nowhere here
    assert (surfaces >= 0).all()
    some = np.array([3, 8])
    points = SERVING_SPACE.enumerate()[5:9]
    assert (particles.surfaces(points, some) == surfaces[some, 5:9]).all()


def test_points_between_the_grid_are_evaluated_as_well():
    particles = made(SERVING_SPACE, KNOBS)
    between = particles.surfaces([(1.5, 1.0, 1.0, 0.0)])[:, 0]
    low, high = particles.surfaces([(1.0, 1.0, 1.0, 0.0), (2.0, 1.0, 1.0, 0.0)]).T
    # A price may make the best number of cores lie between the two.
    assert (between >= np.minimum(low, high) - 0.02).all()
    assert (between <= np.maximum(low, high) + 0.02).all()


def test_names_units_and_spellings_do_not_matter():
    other = space(
        parameter("cpu", "DISCRETE", values=["1000m", "2000m", "3000m", "4000m", "5000m"]),
        parameter("mem", "DISCRETE", values=["0.05", "0.1", "0.2", "0.4"]),
        parameter("b", "DISCRETE", values=["1", "4", "16", "64"]),
        parameter("card", "CATEGORICAL", values=["nvidia-tesla-t4", "Tesla V100-SXM2-16GB"]),
    )
    names = ("cpu", "mem", "b", "card")
    knobs = dict(zip(KNOBS, names, strict=True))
    points = SERVING_SPACE.enumerate()
    ours, theirs = made(SERVING_SPACE, KNOBS), made(other, knobs)
    assert theirs.surfaces(points) == pytest.approx(ours.surfaces(points), abs=1e-5)


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("NVIDIA-A100-SXM4-80GB", "a100"),
        ("Tesla-T4", "t4"),
        ("L40S", "l40s"),
        ("h100", "h100"),
        ("some-card", "somecard"),
    ],
)
def test_gpu_models(text: str, model: str):
    assert gpu_model(text) == model


def test_an_unknown_card_differs_from_particle_to_particle():
    strange = space(
        parameter("gpu_type", "CATEGORICAL", values=["T4", "X9000"]),
        parameter("batch_size", "DISCRETE", values=["1", "8"]),
    )
    particles = made(strange, {"gpu_type": "gpu_type", "batch_size": "batch_size"})
    t4, x9000 = (particles.surfaces([(gpu, 1.0)])[:, 0] for gpu in (0.0, 1.0))
    assert 0.2 < (x9000 > t4).mean() < 0.98


def test_table_particles_start_with_the_tables_themselves():
    library = tabled()
    knobs = {"backend": "backend", "batch_size": "max_batch"}
    points = ENGINES.enumerate()  # engine c then a, batch 2, 4, 8
    source = TableParticles(library.groups[0], 6, None, 0.0, 0)
    found = source.objective(columns_of(ENGINES, knobs, points), 6, np.arange(6))
    expected = np.stack([table("s", 1.0, i % 3).rps[[2, 0]][:, 1:4].ravel() for i in range(6)])
    expected /= expected.max(axis=1, keepdims=True)
    found = found / found.max(axis=1, keepdims=True)
    assert found == pytest.approx(expected, rel=2e-3)


def test_tables_are_read_between_their_levels():
    between = space(
        parameter("backend", "CATEGORICAL", values=["a"]),
        parameter("max_batch", "DISCRETE", values=["2", "3", "4"]),
    )
    knobs = {"backend": "backend", "batch_size": "max_batch"}
    source = TableParticles(tabled().groups[0], 6, None, 0.0, 0)
    found = source.objective(columns_of(between, knobs, between.enumerate()), 3, np.arange(6))
    assert found[:, 1] / found[:, 0] == pytest.approx(1.5**0.5, rel=1e-2)


@pytest.mark.parametrize(
    "names",
    [
        ("learning_rate", "batch_size"),  # one knob alone
        ("cpu_cores", "batch_size"),  # no knob of a GPU
        ("a", "b"),
    ],
)
def test_spaces_of_other_things_have_no_particles(names: tuple[str, str]):
    other = space(*(parameter(name, "DISCRETE", values=["1", "2"]) for name in names))
    knobs = {name: name for name in names}
    assert particles_for(simulated(), other, knobs, None, "unknown") is None


def test_known_prices_divide_every_particle():
    prices = Prices(base=0.2, per_core=0.02, gpu_memory={"T4": 0.4, "V100": 2.6})
    points = SERVING_SPACE.enumerate()
    rate = made(SERVING_SPACE, KNOBS, prices=Prices(base=1.0))
    priced = made(SERVING_SPACE, KNOBS, prices=prices)
    columns = columns_of(SERVING_SPACE, KNOBS, points)
    gpu = np.where([point[3] == 0 for point in points], 0.4, 2.6)
    cost = 0.2 + 0.02 * columns["cpu_cores"].numbers + gpu * columns["gpu_memory_percent"].numbers
    assert prices.of(columns, len(points)) == pytest.approx(cost)
    expected = rate.surfaces(points) ** (1 / POWER) / cost
    expected = (expected / np.maximum(expected.max(axis=1, keepdims=True), 1e-30)) ** POWER
    assert priced.surfaces(points) == pytest.approx(expected, abs=1e-4)


def test_a_card_without_price_is_refused():
    with pytest.raises(InvalidExperimentError, match=r"\['V100'\] have none"):
        made(SERVING_SPACE, KNOBS, prices=Prices(gpu={"T4": 1.0}))


def test_a_space_too_large_to_list_is_sampled():
    large = space(
        *(parameter(f"p{i}", "INT", low="0", high="9") for i in range(5)),
        parameter("gpu_memory_percent", "DOUBLE", low="5", high="90"),
        parameter("gpu_type", "CATEGORICAL", values=["T4", "V100"]),
    )
    knobs = {"gpu_memory_percent": "gpu_memory_percent", "gpu_type": "gpu_type"}
    surfaces = made(large, knobs).surfaces([(0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0)])
    assert surfaces.shape == (300, 1)
    assert np.isfinite(surfaces).all()


def test_two_sources_weigh_the_same():
    library = build_library(0, [table("s", 1.0, 0)], 50)
    both = space(
        parameter("backend", "CATEGORICAL", values=["a", "b"]),
        parameter("max_batch", "DISCRETE", values=["1", "8"]),
        parameter("gpu_type", "CATEGORICAL", values=["T4"]),
    )
    knobs = {"backend": "backend", "batch_size": "max_batch", "gpu_type": "gpu_type"}
    particles = made(both, knobs, library=library)
    weights = np.exp(particles.log_prior)
    assert weights[:50].sum() == pytest.approx(weights[50:].sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    "prices",
    [
        Prices(gpu={"T4": 0.0, "V100": 2.6}),
        Prices(gpu_time={"T4": 0.0, "V100": 0.0}, gpu={"T4": 1.0, "V100": 0.0}),
        Prices(gpu_memory={"": 0.0}),
    ],
)
def test_a_configuration_for_nothing_is_refused(prices: Prices):
    with pytest.raises(InvalidExperimentError, match=r"^Each configuration must have a price"):
        made(SERVING_SPACE, KNOBS, prices=prices)


def test_a_price_by_the_very_name_comes_before_the_model():
    cards = space(
        parameter("gpu_type", "CATEGORICAL", values=["A100-40GB", "a100-80gb", "nvidia-l4"]),
        parameter("batch_size", "DISCRETE", values=["1"]),
    )
    points = cards.enumerate()
    columns = columns_of(cards, {"gpu_type": "gpu_type"}, points)
    prices = Prices(gpu={"A100-40GB": 3.0, "A100-80GB": 4.0, "L4": 1.0})
    prices.check(columns)
    assert prices.of(columns, 3).tolist() == [3.0, 4.0, 1.0]
