"""Effects that the library's prior lacks: present, of the stated size, seeded."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.search_cost.reality import hard_reality, ordinary_reality, real_rps
from benchmarks.search_cost.services import published_models
from benchmarks.search_cost.worlds import OPEN_SOURCE, configurations
from suggestion.gpu import GPUS
from suggestion.serving_simulator import peak_rps

AT = configurations(OPEN_SOURCE)
RESNET = next(s.parameters for s in published_models() if s.name == "ResNet50")


def test_without_its_effects_reality_is_the_simulator():
    plain = replace(ordinary_reality(), kernel_wiggle=0.0, core_wiggle=0.0, interference=0.0)
    simulated = peak_rps(RESNET, AT)
    expected = np.where(simulated < 0.5, 0, simulated)
    assert real_rps("a", RESNET, AT, plain) == pytest.approx(expected)


@pytest.mark.parametrize(("wiggle", "tolerance"), [(0.03, 0.01), (0.10, 0.03)])
def test_roughness_is_of_the_stated_size(wiggle: float, tolerance: float):
    smooth = replace(ordinary_reality(), kernel_wiggle=0.0, core_wiggle=0.0)
    rough = replace(smooth, kernel_wiggle=wiggle)
    flat = real_rps("a", RESNET, AT, smooth)
    both = (flat > 1) & (real_rps("a", RESNET, AT, rough) > 1)
    ratios = [real_rps(f"{i}", RESNET, AT, rough)[both] / flat[both] for i in range(20)]
    assert np.log(ratios).std() == pytest.approx(wiggle, abs=tolerance)
    # One factor a card and batch: memory does not matter.
    assert len(np.unique(ratios[0].round(9))) <= 24


def test_few_cores_slow_the_launches():
    busy = replace(ordinary_reality(), kernel_wiggle=0.0, core_wiggle=0.0)
    idle = replace(busy, interference=0.0)
    light = replace(RESNET, cpu_seconds=1e-4)  # the card is the bottleneck at any number of cores
    ratio = real_rps("a", light, AT, busy) / np.maximum(real_rps("a", light, AT, idle), 1e-9)
    small = (AT.batch_size == 1) & (AT.memory_share == 0.2)
    assert ratio[small & (AT.cpu_cores == 1)].max() < ratio[small & (AT.cpu_cores == 5)].min()


def test_names_and_seeds_fix_everything():
    first = real_rps("a", RESNET, AT, ordinary_reality())
    assert (first == real_rps("a", RESNET, AT, ordinary_reality())).all()
    assert (first != real_rps("b", RESNET, AT, ordinary_reality())).any()
    assert hard_reality(1) == hard_reality(1)
    assert hard_reality(1).gpus != hard_reality(2).gpus


def test_hard_cards_differ_by_up_to_30_percent():
    ratios = [
        hard_reality(seed).gpus[name].attainable_flops / gpu.attainable_flops
        for seed in range(50)
        for name, gpu in GPUS.items()
    ]
    assert 0.7 <= min(ratios) < 0.75
    assert 1.25 < max(ratios) <= 1.3
    assert hard_reality(0).gpus["T4"].memory_bytes == GPUS["T4"].memory_bytes
