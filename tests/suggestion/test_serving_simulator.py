"""The simulator against published measurements, and against what the Morphling paper found."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from meta_training.prior import draw_service
from suggestion.gpu import GPUS
from suggestion.serving_simulator import (
    Array,
    Configurations,
    ServiceParameters,
    batch_seconds,
    core_speedup,
    needed_bytes,
    peak_rps,
)
from tests.suggestion.services import RESNET50

CORES, MEMORY, BATCH = (1, 2, 3, 4, 5), (5, 10, 15, 20, 30, 40), (1, 2, 4, 8, 16, 32, 64, 128)


def at(
    gpu: str = "V100", cores: float = 4, batch: object = 8, memory: object = 1.0, time: object = 1.0
) -> Configurations:
    """Configurations that differ in what is given as a list."""
    arrays = np.broadcast_arrays(*[np.atleast_1d(v) for v in (cores, batch, memory, time)])
    arrays = [array.astype(float) for array in arrays]
    cpu_cores, batch_size, memory_share, time_share = arrays
    return Configurations(
        cpu_cores, batch_size, memory_share, time_share, (GPUS[gpu],) * len(cpu_cores)
    )


def paper_space() -> tuple[Configurations, Array]:
    """The 720 configurations of the paper's section 6.1 and their costs."""
    points = list(itertools.product(CORES, MEMORY, BATCH, GPUS))
    cores, memory, batch, names = zip(*points, strict=True)
    gpus = tuple(GPUS[name] for name in names)
    memory_share = np.array(memory) / 100
    space = Configurations(
        np.array(cores, float), np.array(batch, float), memory_share, np.ones(len(points)), gpus
    )
    return space, 0.2 + space.of_gpu("price") * memory_share + 0.02 * space.cpu_cores


# TensorFlow, FP32, images/s: NVIDIA DeepLearningExamples.
@pytest.mark.parametrize(
    ("gpu", "measured"),
    [
        ("T4", [136, 215, 289, 342, 394, 415, 424, 430]),
        ("V100", [173, 304, 562, 783, 1003, 1140, 1252, 1325]),
    ],
)
def test_resnet50_by_batch(gpu: str, measured: list[float]):
    simulated = np.array(BATCH) / batch_seconds(RESNET50, at(gpu, batch=BATCH))
    assert simulated == pytest.approx(np.array(measured), rel=0.15)


# Latency at 10, 50 and 100 % of a V100's SMs over that at 100 %, TensorRT: iGniter's measurements.
@pytest.mark.parametrize(
    ("flop", "efficiency", "batch", "measured"),
    [(8.22e9, 1.35, 32, [8.45, 1.80, 1]), (39.26e9, 2.4, 32, [8.92, 1.81, 1])],
)
def test_latency_by_time_share(flop: float, efficiency: float, batch: int, measured: list[float]):
    service = replace(
        RESNET50, flop=flop, efficiency=efficiency, num_kernels=60, dispatch_seconds=3e-5
    )
    seconds = batch_seconds(service, at(batch=batch, time=[0.1, 0.5, 1.0]))
    assert seconds / seconds[-1] == pytest.approx(measured, rel=0.15)


def test_good_and_bad_configurations_differ_tenfold():
    space, cost = paper_space()
    value = peak_rps(RESNET50, space) / cost
    assert value.max() > 10 * value[value > 0].min()


@pytest.mark.parametrize("knob", ["cores", "time"])
def test_returns_diminish(knob: str):
    levels = {"cores": [1, 2, 3, 4, 5], "time": [0.2, 0.4, 0.6, 0.8, 1.0]}[knob]
    rate = peak_rps(RESNET50, at("T4", **{knob: levels, "batch": 8}))
    gains = np.diff(rate)
    assert (gains > -1e-9).all()
    assert (np.diff(gains) < 1e-9).all()


def test_the_best_batch_lies_inside():
    # A small share of memory: large batches do not fit; small ones waste the launches.
    rate = peak_rps(replace(RESNET50, cpu_seconds=5e-4), at("T4", batch=BATCH, memory=0.10))
    assert 0 < rate.argmax() < len(BATCH) - 1
    assert rate[-1] == 0


def test_a_slow_model_cannot_use_large_batches():
    heavy = replace(RESNET50, flop=3e11)
    rate = peak_rps(heavy, at("T4", batch=BATCH))
    assert rate[0] > 0
    assert rate[-1] == 0  # one batch alone takes ten times the SLO


def test_light_models_pay_on_a_t4_and_heavy_ones_on_a_v100():
    space, cost = paper_space()

    def best_gpu(service: ServiceParameters) -> str:
        return space.gpus[int((peak_rps(service, space) / cost).argmax())].name

    light = replace(RESNET50, flop=6e8, activation_bytes=5e6, live_bytes=2e6)
    heavy = replace(RESNET50, flop=3e11, activation_bytes=4e8, live_bytes=1e8, cpu_seconds=1e-3)
    assert best_gpu(light) in ("T4", "M60")
    assert best_gpu(heavy) == "V100"


def test_memory_decides_whether_a_model_runs():
    needed = needed_bytes(RESNET50, at(batch=8))[0]
    fits = needed / GPUS["V100"].memory_bytes
    rate = peak_rps(RESNET50, at(batch=8, memory=[fits * 0.999, fits * 1.001, 1.0]))
    assert rate[0] == 0
    assert 0 < rate[1] < rate[2]  # without workspace the kernels are slower


def test_cores_follow_the_universal_scalability_law():
    service = replace(RESNET50, contention=0.1, coherence=0.02)
    assert core_speedup(service, np.array([1.0, 2.0, 4.0])) == pytest.approx(
        [1, 2 / (1 + 0.1 + 0.04), 4 / (1 + 0.3 + 0.24)]
    )


def test_a_tighter_slo_never_helps():
    space, _ = paper_space()
    loose, tight = (
        peak_rps(replace(RESNET50, slo_seconds=seconds), space) for seconds in (1.0, 0.2)
    )
    assert (tight <= loose + 1e-9).all()


def test_random_services_are_plausible_and_seeded():
    space, cost = paper_space()
    values = [
        peak_rps(draw_service(np.random.default_rng(seed)), space) / cost for seed in range(200)
    ]
    assert all(np.isfinite(value).all() and (value >= 0).all() for value in values)
    running = [value for value in values if (value > 0).any()]
    assert len(running) > 180
    ratio = [value.max() / value[value > 0].min() for value in running]
    assert np.median(ratio) > 10
    best = [int(value.argmax()) for value in running]
    assert len(set(best)) > 30  # no configuration is best for all
    assert draw_service(np.random.default_rng(3)) == draw_service(np.random.default_rng(3))
