"""The worlds: sizes, objectives, initial points and splits as the paper has them."""

import numpy as np
import pytest

from benchmarks.search_cost.worlds import llm_cases, open_source_cases, production_cases, split


def test_open_source_space():
    cases = open_source_cases(1)
    assert len(cases) == len({case.name for case in cases}) == 42
    for case in cases:
        assert case.values.shape == (720,)
        assert (case.values >= 0).all()
        assert case.values.max() > 0
    corner = cases[0].assignments[cases[0].initial_points[0]]
    assert corner == {
        "cpu_cores": "1",
        "gpu_memory_percent": "5",
        "batch_size": "1",
        "gpu_type": "T4",
    }
    chosen = [cases[0].assignments[i] for i in cases[0].initial_points]
    assert len(chosen) == 8
    assert {a["gpu_type"] for a in chosen} == {"T4"}
    assert {a["cpu_cores"] for a in chosen} == {"1", "5"}
    assert {a["gpu_memory_percent"] for a in chosen} == {"5", "40"}
    assert {a["batch_size"] for a in chosen} == {"1", "128"}


def test_objectives_differ_by_the_cost():
    per_cost, per_gpu_cost, rate = (open_source_cases(objective)[0] for objective in (1, 2, 3))
    at = per_cost.index[("4", "20", "8", "V100")]
    assert rate.values[at] > 0
    assert rate.values[at] / per_gpu_cost.values[at] == pytest.approx(0.2 + 2.6 * 0.2)
    assert rate.values[at] / per_cost.values[at] == pytest.approx(0.2 + 2.6 * 0.2 + 0.08)
    with pytest.raises(ValueError, match="objective must be 1, 2 or 3, but got 4"):
        open_source_cases(4)


def test_good_and_bad_configurations_differ_tenfold():
    """The paper's section 2: more than ten times between a good and a bad configuration."""
    ratios = [c.values.max() / c.values[c.values > 0].min() for c in open_source_cases(1)]
    assert np.median(ratios) > 10


def test_optima_lie_everywhere():
    cases = open_source_cases(1)
    best = [case.assignments[int(case.values.argmax())] for case in cases]
    assert len({tuple(a.values()) for a in best}) >= 20
    by_name = {case.service: a for case, a in zip(cases, best, strict=True)}
    # As the paper found: EfficientNet-B5 on 5 % of a V100 at batch 8, USE on 10 % of a T4.
    b5 = by_name["EfficientNetB5"]
    assert (b5["gpu_memory_percent"], b5["batch_size"], b5["gpu_type"]) == ("5", "8", "V100")
    use = by_name["USE-DAN"]
    assert (use["gpu_memory_percent"], use["gpu_type"]) == ("10", "T4")


def test_hard_worlds_differ_by_draw():
    first, second = (open_source_cases(1, hard_seed=seed)[0] for seed in (0, 1))
    assert first.world == second.world == "open-source-hard"
    assert first.name != second.name
    assert (first.values != second.values).any()


def test_production_space():
    cases = production_cases(0)
    assert len(cases) == 30
    case = cases[0]
    assert case.values.shape == (100,)
    corners = [tuple(case.assignments[i].values()) for i in case.initial_points]
    assert corners == [
        ("2", "12.5", "20"),
        ("2", "62.5", "20"),
        ("8", "12.5", "20"),
        ("8", "62.5", "20"),
    ]
    training, test = split(cases, training=5)
    assert (len(training), len(test)) == (5, 25)
    assert all((case.values > 0).mean() >= 0.2 for case in cases)


def test_splits_are_by_service():
    cases = open_source_cases(1) + open_source_cases(2)
    training, test = split(cases)
    assert len({case.service for case in training}) == 10
    assert len({case.service for case in test}) == 32
    assert not {case.service for case in training} & {case.service for case in test}
    assert split(cases, seed=1)[0] != training


def test_llm_tables():
    cases = llm_cases("req_per_usd")
    assert len({case.service for case in cases}) == len(cases) == 84
    assert len({case.family for case in cases}) == 12
    assert {case.values.size for case in cases} == {1080}
    rates = llm_cases("rps")
    # An H100 at 4.176 USD an hour.
    at = rates[0].index[("H100", "2", "bf16", "vllm", "16")]
    assert rates[0].values[at] > 0
    dollars = cases[0].values[at] * 2 * 4.176 / 3600
    assert dollars == pytest.approx(rates[0].values[at])
    capped = llm_cases("req_per_usd_cap")
    assert all(
        (cap.values >= case.values * 0.999).all() for cap, case in zip(capped, cases, strict=True)
    )
    with pytest.raises(ValueError, match="objective must be one of"):
        llm_cases("latency")
