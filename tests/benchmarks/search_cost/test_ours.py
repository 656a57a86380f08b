from dataclasses import replace

import grpc
import numpy as np
import pytest

from benchmarks.search_cost import predictors
from benchmarks.search_cost.method import Sample, Setup
from benchmarks.search_cost.methods import ours
from benchmarks.search_cost.methods.registry import NAMES, Methods, Places
from benchmarks.search_cost.predictors import service_predictor
from benchmarks.search_cost.run import run_search
from protos.katib import api_pb2
from suggestion.library import FIELDS, Library
from tests.benchmarks.search_cost.cases import SIZE, bump, half_infeasible


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The libraries are replaced by an empty one: what they hold is not what is tested."""
    empty = Library(np.zeros((0, len(FIELDS)), dtype=np.float32), ())
    for module in (ours, predictors):
        monkeypatch.setattr(module, "library_named", lambda name: empty)
    return Places(vizier_python=tmp_path / "python", logs=tmp_path)


def test_trial_is_what_katib_reports():
    built = ours.trial(bump(10), 2, Sample(23, 87.5))
    assert built.status.condition == api_pb2.TrialStatus.SUCCEEDED
    assert {p.name: p.value for p in built.spec.parameter_assignments.assignments} == {
        "cpu_cores": "3", "batch_size": "8", "gpu_type": "V100",
    }  # fmt: skip
    assert [(m.name, m.value) for m in built.status.observation.metrics] == [("objective", "87.5")]
    assert built.status.completion_time == "2026-01-01T00:10:00Z"
    failed = ours.trial(bump(10), 0, Sample(0, None))
    assert failed.status.condition == api_pb2.TrialStatus.FAILED
    assert not failed.status.observation.metrics


@pytest.mark.parametrize("infeasible", ["failed", "zero"])
def test_gp_searches_over_a_socket(places, infeasible):
    with Methods(places) as methods:
        run = run_search(methods["gp"], half_infeasible(), Setup(infeasible=infeasible))
    assert run.is_solved
    assert len(set(run.samples)) == len(run.samples) < SIZE


def test_a_case_is_searched_with_its_library(places, monkeypatch):
    named = []
    known = ours.library_named
    monkeypatch.setattr(ours, "library_named", lambda name: (named.append(name), known(name))[1])
    with Methods(places) as methods:
        for library in ("a", "b", "a"):
            searched = replace(bump(10), library=library)
            assert run_search(methods["gp"], searched, Setup()).is_solved
    assert named == ["a", "b"]


def test_refused_settings_are_an_error(places):
    searched = replace(bump(10), prices={"no_such_setting": "1"})
    with Methods(places) as methods, pytest.raises(grpc.RpcError, match="unknown setting"):
        run_search(methods["default+prices"], searched, Setup())


def test_methods_are_built_once_and_known(places):
    with Methods(places) as methods:
        assert methods["random"] is methods["random"]
        with pytest.raises(KeyError, match="must be one of default, default"):
            methods["nobody"]
        with pytest.raises(FileNotFoundError, match="Vizier's interpreter must exist"):
            methods["vizier"]
    assert len(set(NAMES)) == len(NAMES)


def test_predicted_surface_follows_the_samples(places):
    predict = service_predictor(ours.SETTINGS["gp"])
    searched = bump(23)
    assert np.ptp(predict(searched, ())) == 0
    samples = [Sample(i, float(searched.values[i])) for i in (0, 5, 11, 16, 20)]
    surface = predict(searched, samples)
    assert surface.shape == (SIZE,)
    # The objective rises along the axes, so that the far corner is expected to be better.
    assert surface[22] > surface[1]
