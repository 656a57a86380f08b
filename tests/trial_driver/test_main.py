"""The trial driver against an API server, a model server and a DBManager, each over its socket."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_runner.db_manager import serve
from local_runner.observation_store import ObservationStore
from tests.fakes.api_server import ApiServer, serving

SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/team/inferenceservices"
PODS = "/api/v1/namespaces/team/pods"
MANIFEST = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: trial-1}
spec: {predictor: {minReplicas: 2}}
"""
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
STARTING = {
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "0"}
    ]
}
BLOCKED = STARTING | {
    "modelStatus": {
        "states": {"targetModelState": "FailedToLoad"},
        "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "out of memory"},
    }
}
UNSCHEDULABLE = {
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
         "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}
    ]
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[ObservationStore, str]]:
    store = ObservationStore(tmp_path / "observations.sqlite")
    server, address = serve(store)
    yield store, address
    server.stop(None).wait()
    store.close()


@pytest.fixture
def model_server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.fakes.model_server", "--service-ms=2", "--workers=4"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    process.kill()
    process.communicate()


def cluster(*statuses: dict[str, Any]) -> ApiServer:
    """A cluster whose new services show one status after another, and then keep the last."""
    server, left = ApiServer(), list(statuses)

    def before(method: str, path: str) -> None:
        if method == "GET" and path in server.objects and left:
            server.objects[path]["status"] = left.pop(0)

    server.before = before
    return server


def start(
    kubeconfig: Path, address: str, url: str, *more: str, seconds: int = 2
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "trial_driver", f"--inference-service={MANIFEST}"]
    command += ["--namespace=team", "--metrics=peak_rps,latency_p99_ms", "--trial-name=trial-1"]
    command += [f"--db-manager={address}", *more, "--", f"--url={url}", "--protocol=http"]
    command += ["--slo-ms=2000", f"--max-seconds={seconds}"]
    return subprocess.Popen(
        command,
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_service_is_created_measured_reported_and_deleted(
    tmp_path: Path, store: tuple[ObservationStore, str], model_server: str
):
    server = cluster(STARTING, READY)
    with serving(server, tmp_path) as kubeconfig:
        process = start(kubeconfig, store[1], model_server)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert server.requests[0] == ("POST", SERVICES)
    assert server.requests[1] == ("DELETE", f"{SERVICES}/trial-1")
    assert not server.objects
    rows = {row.name: float(row.value) for row in store[0].rows("trial-1")}
    # Two seconds say little about the peak, and less on a busy machine; what is said arrives.
    measured = re.search(r"^peak_rps +([\d.]+) ", stdout, re.MULTILINE)
    assert measured is not None, stdout
    assert rows["peak_rps"] == pytest.approx(float(measured[1]), abs=0.051)
    assert rows["peak_rps"] > 0
    assert 0 < rows["latency_p99_ms"] <= 2000


@pytest.mark.parametrize(
    ("status", "pod", "reason"),
    [
        (BLOCKED, {}, "The model cannot be loaded: ModelLoadFailed: out of memory"),
        (STARTING, UNSCHEDULABLE, "within 1 s, but is not: p: Unschedulable: 0/3 nodes"),
        (STARTING, {}, "within 1 s, but is not: Ready: 0"),
    ],
)
def test_a_service_that_does_not_come_up_serves_nothing(
    tmp_path: Path, store: tuple[ObservationStore, str], status: Any, pod: Any, reason: str
):
    server = cluster(status)
    server.put(f"{PODS}/p", kind="Pod", status=pod)
    with serving(server, tmp_path) as kubeconfig:
        process = start(kubeconfig, store[1], "http://127.0.0.1:9", "--ready-seconds=1")
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert reason in stdout
    assert [(row.name, row.value) for row in store[0].rows("trial-1")] == [("peak_rps", "0")]
    assert SERVICES + "/trial-1" not in server.objects


@pytest.mark.parametrize("status", [STARTING, READY], ids=["waiting", "under-load"])
def test_the_deadline_of_the_job_leaves_nothing_behind(
    tmp_path: Path, store: tuple[ObservationStore, str], model_server: str, status: Any
):
    server = cluster(status)
    with serving(server, tmp_path) as kubeconfig:
        process = start(kubeconfig, store[1], model_server, seconds=60)
        until = time.monotonic() + 60
        while f"{SERVICES}/trial-1" not in server.objects and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "trial-driver: Stopped by SIGTERM.\n" in stderr
    assert not server.objects
    assert not store[0].rows("trial-1")


def test_a_foreign_service_of_the_name_is_left_alone(
    tmp_path: Path, store: tuple[ObservationStore, str]
):
    server = ApiServer()
    server.put(f"{SERVICES}/trial-1", spec={"of": "others"})
    with serving(server, tmp_path) as kubeconfig:
        process = start(kubeconfig, store[1], "http://127.0.0.1:9")
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "already exists" in stderr
    assert server.objects[f"{SERVICES}/trial-1"]["spec"] == {"of": "others"}


def test_wrong_flags_of_the_load_generator_are_an_error_and_no_zero(
    tmp_path: Path, store: tuple[ObservationStore, str]
):
    server = cluster(READY)
    with serving(server, tmp_path) as kubeconfig:
        process = start(kubeconfig, store[1], "nonsense")
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "must end with 0, but ended with 2" in stderr
    assert not server.objects
    assert not store[0].rows("trial-1")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("a: [", "must be YAML"),
        ("kind: Job", "must be of kind InferenceService"),
        (MANIFEST.replace("v1beta1", "v1"), "apiVersion must be serving.kserve.io/v1beta1"),
        (MANIFEST.replace("{name: trial-1}", "{}"), r"metadata.name must be given"),
    ],
)
def test_bad_manifests_are_refused(manifest: str, message: str, capsys: pytest.CaptureFixture[str]):
    from trial_driver.main import main

    flags = ["--metrics=peak_rps", "--db-manager=x:1", "--trial-name=t"]
    with pytest.raises(SystemExit, match="2"):
        main([f"--inference-service={manifest}", *flags])
    assert message in capsys.readouterr().err
