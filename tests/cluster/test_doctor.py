"""What the doctor finds on clusters that lack one thing each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.gpu_sharing import sharing_systems
from cluster.main import main
from tests.cluster.test_install import (
    CONFIG,
    CONTROLLER,
    DEFAULT_LOCATION,
    LABEL,
    TEAM,
    with_katib,
)
from tests.fakes.api_server import ApiServer, serving

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
KSERVE = "/api/v1/namespaces/kserve/configmaps/inferenceservice-config"
NODE, POD = "/api/v1/nodes/n1", "/api/v1/pods/p1"
ISVC = "inferenceservices.serving.kserve.io"
RIGHTS = {
    ("serving.kserve.io", "inferenceservices", "create"),
    ("serving.kserve.io", "inferenceservices", "watch"),
    ("serving.kserve.io", "inferenceservices", "delete"),
    ("apps", "replicasets", "get"),
}


@pytest.fixture
def healthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[ApiServer]:
    """A cluster on which Morphling is installed."""
    server = with_katib()
    kinds = [f"{kind}.kubeflow.org" for kind in ("experiments", "trials", "suggestions")]
    for name in (*kinds, ISVC):
        # What the client's model cannot do without.
        names = {"kind": "K", "plural": "ks"}
        spec = {"group": "g", "names": names, "scope": "Namespaced", "versions": []}
        server.put(f"{CRDS}/{name}", spec=spec)
    server.objects[CONTROLLER]["status"] = {"availableReplicas": 1}
    server.put(f"{WEBHOOKS}/katib.kubeflow.org")
    server.put(KSERVE, data={"deploy": '{"defaultDeploymentMode": "Serverless"}'})
    server.put(NODE, metadata={"annotations": {"hami.io/node-nvidia-register": "[]"}})
    server.allowed = set(RIGHTS)
    with serving(server, tmp_path) as kubeconfig:
        monkeypatch.setattr(DEFAULT_LOCATION, str(kubeconfig))
        assert main(["install", "--namespace", "team"]) == 0
        capsys.readouterr()
        yield server


def examined(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str]:
    code = main(["doctor", "--namespace", "team", *flags])
    return code, capsys.readouterr().out


def test_a_healthy_cluster(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    healthy.requests.clear()
    code, printed = examined(capsys)
    assert code == 0
    assert "missing" not in printed
    assert "GPUs: HAMi (1 node)" in printed
    assert "default mode is Serverless" in printed
    assert healthy.requests == []


@pytest.mark.parametrize(
    ("path", "found", "mend"),
    [
        (f"{CRDS}/{ISVC}", f"KServe's resource {ISVC}", "install KServe first"),
        (f"{CRDS}/trials.kubeflow.org", "Katib's resource trials", "install Katib first"),
        (CONFIG, "ConfigMap katib-config", "install Katib first"),
        (CONTROLLER, "katib-controller runs", "kubectl -n kubeflow get deployment"),
        (f"{WEBHOOKS}/katib.kubeflow.org", "webhook katib.kubeflow.org", "restart katib-contr"),
        (TEAM, f"label {LABEL}=enabled", "morphling install --namespace team"),
    ],
)
def test_what_is_missing_is_said_with_its_mend(
    healthy: ApiServer, capsys: pytest.CaptureFixture[str], path: str, found: str, mend: str
):
    del healthy.objects[path]
    code, printed = examined(capsys)
    assert code == 1
    assert any(line.startswith("missing") and found in line for line in printed.splitlines())
    assert mend in printed


def test_a_katib_without_morphling(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    main(["uninstall"])
    healthy.allowed.discard(("apps", "replicasets", "get"))
    code, printed = examined(capsys)
    missing = [line for line in printed.splitlines() if line.startswith("missing")]
    assert code == 1
    assert len(missing) == 3
    assert "Katib watches InferenceServices" in missing[0]
    assert "morphling among the algorithms" in missing[1]
    assert "katib-controller may get replicasets" in missing[2]


def test_an_entry_with_katibs_own_limits(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    data = healthy.objects[CONFIG]["data"]
    lines = data["katib-config.yaml"].splitlines(keepends=True)
    data["katib-config.yaml"] = "".join(line for line in lines if "1536Mi" not in line)
    code, printed = examined(capsys)
    assert code == 1
    assert "memory limit of its own (none)" in printed


def test_an_image_that_cannot_be_pulled(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    status = {
        **waiting, "image": "morphling-suggestion:0.1.0", "imageID": "", "name": "s",
        "ready": False, "restartCount": 0,
    }  # fmt: skip
    healthy.put(POD, metadata={"namespace": "team"}, status={"containerStatuses": [status]})
    code, printed = examined(capsys)
    assert code == 1
    assert "image morphling-suggestion:0.1.0 cannot be pulled in namespace team" in printed


def test_no_gpus_are_a_note(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    healthy.put(NODE)
    code, printed = examined(capsys)
    assert code == 0
    assert "note    no node offers GPUs" in printed


def test_kai_is_known_by_its_queues(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    spec = healthy.objects[f"{CRDS}/{ISVC}"]["spec"]
    healthy.put(f"{CRDS}/queues.scheduling.run.ai", spec=spec)
    assert "GPUs: HAMi (1 node), KAI scheduler" in examined(capsys)[1]


def test_what_may_not_be_looked_at(healthy: ApiServer, capsys: pytest.CaptureFixture[str]):
    healthy.refusals["GET", "/api/v1/nodes"] = 403
    assert main(["doctor"]) == 1
    assert "Your account lacks the right: could not list the nodes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metadata", "allocatable", "expected"),
    [
        ({}, {}, []),
        ({}, {"nvidia.com/gpu": "0"}, []),
        ({}, {"nvidia.com/gpu": "2"}, ["whole GPUs only (1 node)"]),
        ({}, {"volcano.sh/vgpu-number": "10"}, ["Volcano vGPU (1 node)"]),
        ({}, {"aliyun.com/gpu-mem": "31"}, ["Aliyun GPU sharing (1 node)"]),
        (
            {"labels": {"nvidia.com/gpu.sharing-strategy": "mps"}},
            {"nvidia.com/gpu": "8"},
            ["NVIDIA device plugin, mps (1 node)"],
        ),
        (
            {"labels": {"nvidia.com/gpu.sharing-strategy": "none"}},
            {"nvidia.com/gpu": "1"},
            ["whole GPUs only (1 node)"],
        ),
    ],
)
def test_sharing_systems(
    metadata: dict[str, object], allocatable: dict[str, str], expected: list[str]
):
    node = {"metadata": metadata, "status": {"allocatable": allocatable}}
    assert sharing_systems([node]) == expected
    assert sharing_systems([node, node]) == [one.replace("1 node", "2 nodes") for one in expected]
