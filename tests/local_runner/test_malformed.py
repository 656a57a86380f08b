"""Malformed Experiments: each is refused in plain words, without a traceback or a process."""

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_runner.load import ExperimentError, parse_experiment
from local_runner.main import main
from tests.local_runner.experiments import EXPERIMENT, command, processes_of, write


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into the document."""
    found = [path] if path else []
    entries = {dict: dict.items, list: enumerate}.get(type(value), lambda _: ())
    for key, child in entries(value):
        found += paths_of(child, (*path, key))
    return found


# Below trialSpec and customCollector almost anything is some valid pod.
OPEN = ("trialSpec", "customCollector", "primaryPodLabels")
PATHS = [path for path in paths_of(EXPERIMENT) if not set(path) & set(OPEN)]


def changed(path: tuple[Any, ...], change: str, value: Any) -> Any:
    document = copy.deepcopy(EXPERIMENT)
    parent: Any = document
    for key in path[:-1]:
        parent = parent[key]
    if change == "remove":
        del parent[path[-1]]
    elif change == "rename" and isinstance(parent, dict):
        parent[f"{path[-1]}X"] = parent.pop(path[-1])
    else:
        parent[path[-1]] = value
    return document


ODD = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(PATHS),
    change=st.sampled_from(["remove", "rename", "replace"]),
    value=ODD,
)
def test_a_hundred_malformed_experiments(
    path: tuple[Any, ...], change: str, value: Any, tmp_path: Path, capsys
):
    text = yaml.safe_dump(changed(path, change, value))
    try:
        parse_experiment(text)
    except ExperimentError:
        pass
    else:
        return  # the change left a valid Experiment
    file = tmp_path / "experiment.yaml"
    file.write_text(text)
    assert main([str(file), f"--output={tmp_path / 'out'}"]) == 2
    stderr = capsys.readouterr().err
    assert "has flaws" in stderr
    assert "Traceback" not in stderr
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "out").exists()


@given(text=st.text(max_size=200))
def test_any_text_is_refused_with_a_message(text: str):
    with pytest.raises(ExperimentError):
        parse_experiment(text)


PLAIN = [
    ("spec.maxTrialCount", "many", "spec.maxTrialCount: must be a valid integer, but got 'many'"),
    ("spec.parallelTrialCount", 0, "spec.parallelTrialCount: must be greater than or equal to 1"),
    (
        "spec.parallelTrialCount",
        9,
        "parallelTrialCount <= maxTrialCount must hold, but got 9 and 3",
    ),
    ("spec.earlyStopping", {}, "earlyStopping is not played by the local runner; remove it"),
    ("spec.nasConfig", {}, "nasConfig is not played by the local runner; remove it"),
    ("spec.colour", "red", "spec.colour: is not a field that the local runner knows"),
    ("metadata.name", "Bad_Name", "metadata.name: "),
    ("kind", "Deployment", "kind: must be 'Experiment', but got 'Deployment'"),
    ("spec.objective.additionalMetricNames", ["peak_rps"], "must not hold the objective"),
    ("spec.trialTemplate.trialSpec.kind", "Job", "but got Job of serving.kserve.io/v1beta1"),
    ("spec.trialTemplate.trialSpec.metadata", {"name": "x"}, "must be left to Katib"),
    ("spec.trialTemplate.trialParameters", [], "every parameter must be used by the template"),
    ("spec.parameters.0.feasibleSpace", {"min": "1"}, "discrete must have a list only"),
    ("spec.parameters.1.feasibleSpace", {"min": "1"}, "int must have min and max"),
    ("spec.parameters.1.name", "service_ms", "unique, but got 'service_ms' twice"),
    ("spec.parameters.1.parameterType", "float", "but got 'float'"),
]


@pytest.mark.parametrize(("where", "value", "message"), PLAIN)
def test_messages(where: str, value: Any, message: str):
    path = tuple(int(key) if key.isdigit() else key for key in where.split("."))
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(yaml.safe_dump(changed(path, "replace", value)))
    assert message in str(caught.value)


def test_several_flaws_are_listed_together():
    document = changed(("spec", "maxTrialCount"), "replace", -1)
    document["spec"]["objective"]["type"] = "best"
    del document["spec"]["algorithm"]
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(yaml.safe_dump(document))
    assert len(str(caught.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "the key 'a' must not be given twice"),
        ("a: &x [1]\nb: *x", "aliases are not supported"),
        ("a: [1", "must be one YAML document"),
        ("- 1", "must hold a mapping, but got list"),
        ("", "must hold a mapping, but got NoneType"),
        ("a: 1\n---\nb: 2", "must be one YAML document"),
        ("[" * 5000, "must be one YAML document"),
    ],
)
def test_yaml_traps(text: str, message: str):
    with pytest.raises(ExperimentError, match=message):
        parse_experiment(text)


POD_FLAWS = [
    ({"image": "nowhere", "command": []}, "kserve-container must have a command"),
    ({"image": "nowhere", "command": ["no-such-server"]}, "no-such-server must be on this machine"),
    ({"env": [{"name": "A", "value": 1}]}, "A must be a string, but got 1"),
    ({"resources": {"requests": {"cpu": "lots"}}}, "cpu must be a quantity like 2 or 500m"),
    ({"ports": [{"containerPort": 0}]}, "containerPort must be 1 to 65535"),
    ({"name": "server"}, "The first container must be kserve-container"),
    (
        {"env": [{"name": "STORAGE_URI", "value": "s3://bucket/model"}]},
        "local.yaml must say under `storage` where s3://bucket/model is",
    ),
]


@pytest.mark.parametrize(("change", "message"), POD_FLAWS)
def test_flaws_of_the_pod_fail_the_trial_with_a_message(
    change: dict[str, Any], message: str, tmp_path: Path
):
    document = copy.deepcopy(EXPERIMENT)
    document["spec"]["maxTrialCount"] = document["spec"]["maxFailedTrialCount"] = 1
    containers = document["spec"]["trialTemplate"]["trialSpec"]["spec"]["predictor"]["containers"]
    containers[0].update(change)
    output = tmp_path / "out"
    done = subprocess.run(
        command(write(document, tmp_path), output), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stderr
    assert processes_of(output) == []


@pytest.mark.parametrize("text", ["images: 3", "storages: {}", "images: {a: {paths: []}}", "["])
def test_a_broken_local_yaml(text: str, tmp_path: Path, capsys):
    path = write(EXPERIMENT, tmp_path)
    (tmp_path / "local.yaml").write_text(text)
    assert main([str(path), f"--output={tmp_path / 'out'}"]) == 2
    assert "local.yaml" in capsys.readouterr().err
