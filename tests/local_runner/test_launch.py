"""From a rendered InferenceService to processes: what the webhook and the kubelet would do."""

import copy
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_runner.experiment import Experiment
from local_runner.launch import LaunchError, Place, TrialPlan, plan_trial
from local_runner.load import parse_experiment
from local_runner.machine import Image, Machine
from local_runner.pod import Container, Pod, PodError, pod_of
from tests.local_runner.experiments import EXPERIMENT

PYTHON = Path(sys.executable)
MACHINE = Machine(
    images={"fake": Image(path=(PYTHON.parent,), env={"FROM_IMAGE": "1"})},
)


def parsed(document: dict[str, Any]) -> Experiment:
    return parse_experiment(yaml.safe_dump(document))


def changed(index: int, **fields: Any) -> dict[str, Any]:
    document = copy.deepcopy(EXPERIMENT)
    containers(document)[index].update(fields)
    return document


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["spec"]["trialTemplate"]["trialSpec"]["spec"][
        "predictor"
    ]["containers"]
    return found


def pod(document: dict[str, Any]) -> Pod:
    text = json.dumps(document["spec"]["trialTemplate"]["trialSpec"])
    for name, value in {"serviceMs": "8", "workers": "2"}.items():
        text = text.replace(f"${{trialParameters.{name}}}", value)
    service = {**json.loads(text), "metadata": {"name": "scripted-1", "namespace": "ns"}}
    return pod_of(parsed(document), service)


def named(document: dict[str, Any]) -> dict[str, Container]:
    return {container.name: container for container in pod(document).containers}


def plan(document: dict[str, Any], folder: Path, cores: tuple[int, ...] = (0, 1)) -> TrialPlan:
    ports = itertools.count(40_001)
    place = Place(folder, "127.0.0.1:5555", cores, lambda: next(ports))
    return plan_trial(parsed(document), pod(document), MACHINE, place)


def test_the_collector_is_injected_and_shares_the_volume_of_the_result():
    pods = named(EXPERIMENT)
    assert list(pods) == ["kserve-container", "load-generator", "metrics-collector"]
    assert pods["load-generator"].env["KATIB_TRIAL_NAME"] == "scripted-1"
    assert pods["metrics-collector"].env["TRIAL_NAME"] == "scripted-1"
    assert pods["load-generator"].mounts == {"/var/morphling": "metrics-volume"}
    assert pods["metrics-collector"].mounts == {"/var/morphling": "metrics-volume"}
    assert pods["kserve-container"].mounts == {}


def test_env_references_expand_as_in_kubernetes():
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$$(A)-$(NOBODY)"},
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]
    server = named(changed(0, env=env, args=["$(B)", "$(WHO)"]))["kserve-container"]
    assert server.env["B"] == "1-$(A)-$(NOBODY)"
    assert server.args == ("1-$(A)-$(NOBODY)", "scripted-1")
    assert server.env["IP"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("quantity", "millicores"), [("2", 2000), ("500m", 500), ("1.5", 1500), (3, 3000)]
)
def test_cpu_quantities(quantity: object, millicores: int):
    document = changed(0, resources={"requests": {"cpu": quantity}})
    assert named(document)["kserve-container"].cpu_millicores == millicores


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predictor": {"model": {}}}, "needs a ServingRuntime"),
        ({"predictor": {}}, "must be a list, but got None"),
        ({"predictor": {"containers": []}}, "The first container must be kserve-container"),
        ({}, "must be a mapping, but got None"),
    ],
)
def test_services_that_cannot_run_here(change: dict[str, Any], message: str):
    service = {"metadata": {"name": "t", "namespace": "n"}, "spec": change}
    with pytest.raises(PodError) as caught:
        pod_of(parsed(EXPERIMENT), service)
    assert message in str(caught.value)


def test_names_must_be_unique_and_the_primary_one_of_them():
    twice = changed(1, name="kserve-container")
    twice["spec"]["trialTemplate"]["primaryContainerName"] = "kserve-container"
    with pytest.raises(PodError, match="must be unique"):
        pod(twice)
    with pytest.raises(PodError, match="primaryContainerName must be a container"):
        pod(changed(1, name="load"))


def test_ports_paths_and_addresses_become_this_machines(tmp_path: Path):
    server, load, collector = plan(EXPERIMENT, tmp_path).containers
    assert server.argv[:3] == (str(PYTHON.parent / "python"), "-m", "tests.fakes.model_server")
    assert "--port=40001" in server.argv
    assert "--url=http://localhost:40001" in load.argv
    volume = tmp_path / "volumes" / "metrics-volume"
    assert f"--result={volume}/result.json" in load.argv
    assert f"--result={volume}/result.json" in collector.argv
    assert "--db-manager=127.0.0.1:5555" in collector.argv
    assert "--service-ms=8" in server.argv


def test_numbers_that_only_look_like_a_port_stay(tmp_path: Path):
    args = ["--port=8080", "18080", "8080.5", "x8080", "a:8080/b", "80800", "-8080"]
    server = plan(changed(0, args=args), tmp_path).containers[0]
    assert server.argv[3:] == (
        "--port=40001", "18080", "8080.5", "x8080", "a:40001/b", "80800", "-8080",
    )  # fmt: skip


def test_only_the_containers_own_environment_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("A_SECRET_OF_MINE", "1")
    server, load, _ = plan(EXPERIMENT, tmp_path).containers
    assert "A_SECRET_OF_MINE" not in server.env
    assert server.env["FROM_IMAGE"] == "1"
    assert "FROM_IMAGE" not in load.env


@pytest.mark.parametrize(
    ("cpu", "server_cores", "load_cores"),
    [("1", (0,), (1,)), ("2", (0, 1), (0, 1)), ("500m", (0,), (1,)), ("9", (0, 1), (0, 1))],
)
def test_a_cpu_request_becomes_an_affinity(
    cpu: str, server_cores: tuple[int, ...], load_cores: tuple[int, ...], tmp_path: Path
):
    document = changed(0, resources={"requests": {"cpu": cpu}})
    server, load, _ = plan(document, tmp_path).containers
    assert (server.cores, load.cores) == (server_cores, load_cores)


def test_a_model_is_copied_to_where_the_server_looks(tmp_path: Path):
    model = tmp_path / "model"
    model.mkdir()
    document = changed(
        0,
        env=[{"name": "STORAGE_URI", "value": "pvc://a/b"}],
        args=["/mnt/models", "/mnt/models/x", "/mnt/modelsX"],
    )
    experiment = parsed(document)
    place = Place(tmp_path / "t", "h:1", (0,), lambda: 1)
    machine = Machine(images=MACHINE.images, storage={"pvc://a/b": model})
    planned = plan_trial(experiment, pod(document), machine, place)
    target = tmp_path / "t" / "volumes" / "kserve-provision-location"
    assert planned.copies == ((model, target),)
    assert planned.containers[0].argv[3:] == (str(target), f"{target}/x", "/mnt/modelsX")


def test_a_model_that_is_not_where_local_yaml_says_is_named(tmp_path: Path):
    document = changed(0, env=[{"name": "STORAGE_URI", "value": "pvc://a/b"}])
    place = Place(tmp_path / "t", "h:1", (0,), lambda: 1)
    machine = Machine(storage={"pvc://a/b": tmp_path / "gone"})
    with pytest.raises(LaunchError, match=f"local.yaml says .* folder {tmp_path}/gone is missing"):
        plan_trial(parsed(document), pod(document), machine, place)
