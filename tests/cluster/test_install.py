"""Installing on, and uninstalling from, a real HTTP fake of the API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.katib_config import suggestion_text
from cluster.main import main
from tests.cluster.katib_config_texts import ALL, EDITED, SHIPPED
from tests.fakes.api_server import ApiServer, serving

CONFIG = "/api/v1/namespaces/kubeflow/configmaps/katib-config"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/morphling-katib-controller"
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/morphling-katib-controller"
CONTROLLER = "/apis/apps/v1/namespaces/kubeflow/deployments/katib-controller"
TEAM = "/api/v1/namespaces/team"
# Read from KUBECONFIG when the client is imported.
DEFAULT_LOCATION = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
LABEL = "katib.kubeflow.org/metrics-collector-injection"


def with_katib(text: str = SHIPPED) -> ApiServer:
    server = ApiServer()
    server.put(CONFIG, kind="ConfigMap", data={"katib-config.yaml": text, "other": "kept"})
    template = {"metadata": {"labels": {"a": "b"}}}
    server.put(CONTROLLER, spec={"selector": {}, "template": template})
    server.put(TEAM, kind="Namespace")
    return server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    built = with_katib()
    with serving(built, tmp_path) as kubeconfig:
        monkeypatch.setattr(DEFAULT_LOCATION, str(kubeconfig))
        yield built


def text_of(server: ApiServer) -> str:
    return str(server.objects[CONFIG]["data"]["katib-config.yaml"])


def test_install(server: ApiServer, capsys: pytest.CaptureFixture[str]):
    assert main(["install", "--namespace", "team", "--image", "here/morphling:7"]) == 0
    assert "image: here/morphling:7" in str(suggestion_text(text_of(server), "morphling"))
    assert server.objects[CONFIG]["data"]["other"] == "kept"
    verbs = {rule["resources"][0]: rule["verbs"] for rule in server.objects[ROLE]["rules"]}
    assert verbs == {
        "inferenceservices": ["get", "list", "watch", "create", "delete"], "replicasets": ["get"],
    }  # fmt: skip
    (account,) = server.objects[BINDING]["subjects"]
    assert (account["name"], account["namespace"]) == ("katib-controller", "kubeflow")
    assert server.objects[TEAM]["metadata"]["labels"] == {LABEL: "enabled"}
    template = server.objects[CONTROLLER]["spec"]["template"]["metadata"]
    assert template["labels"] == {"a": "b"}
    assert "kubectl.kubernetes.io/restartedAt" in template["annotations"]
    printed = capsys.readouterr().out
    assert "+    - algorithmName: morphling" in printed
    assert printed.endswith("installed; `morphling doctor` checks it\n")


def test_installing_again_changes_nothing(server: ApiServer):
    flags = ["--namespace", "team", "--replace-bayesianoptimization"]
    main(["install", *flags])
    server.requests.clear()
    assert main(["install", *flags]) == 0
    assert server.requests == []


def test_a_dry_run_shows_all_and_changes_nothing(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    assert main(["install", "--namespace", "team", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    for part in (
        "+      - InferenceService.v1beta1.serving.kserve.io", "+    - algorithmName: morphling",
        "ClusterRole morphling-katib-controller", f"label {LABEL}: None -> enabled",
        "restart Deployment kubeflow/katib-controller", "nothing was changed",
    ):  # fmt: skip
        assert part in printed
    assert server.requests == []


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("flags", [[], ["--replace-bayesianoptimization"]])
def test_uninstalling_restores_every_byte(server: ApiServer, name: str, flags: list[str]):
    server.put(CONFIG, data={"katib-config.yaml": ALL[name]})
    before = dict(server.objects[CONFIG]["metadata"])
    main(["install", *flags])
    assert main(["uninstall", "--namespace", "team"]) == 0
    assert text_of(server) == ALL[name]
    after = dict(server.objects[CONFIG]["metadata"])
    assert {**after, "resourceVersion": ""} == {**before, "resourceVersion": ""}
    assert ROLE not in server.objects
    assert BINDING not in server.objects
    assert LABEL not in (server.objects[TEAM]["metadata"].get("labels") or {})


def test_uninstalling_keeps_what_was_there_before_and_what_others_did_since(server: ApiServer):
    own = SHIPPED.replace(
        "      - Job.v1.batch\n",
        "      - Job.v1.batch\n      - InferenceService.v1beta1.serving.kserve.io\n",
    )
    server.put(CONFIG, data={"katib-config.yaml": own})
    main(["install", "--replace-bayesianoptimization"])
    changed = text_of(server).replace("suggestion-pbt:latest", "suggestion-pbt:v2")
    stored = server.objects[CONFIG]
    server.put(CONFIG, **{**stored, "data": {"katib-config.yaml": changed}})
    main(["uninstall"])
    assert text_of(server) == own.replace("suggestion-pbt:latest", "suggestion-pbt:v2")


def test_the_built_in_name_becomes_ours(server: ApiServer):
    server.put(CONFIG, data={"katib-config.yaml": EDITED})
    main(["install", "--replace-bayesianoptimization", "--image", "morphling:3"])
    entry = str(suggestion_text(text_of(server), "bayesianoptimization"))
    assert "morphling:3" in entry
    assert "skopt" not in entry


def test_a_change_in_between_is_read_and_kept(server: ApiServer):
    others = iter(["first", "second"])

    def change(method: str, path: str) -> None:
        if (method, path) == ("PUT", CONFIG) and (other := next(others, None)):
            stored = server.objects[CONFIG]
            server.put(CONFIG, **{**stored, "data": {**stored["data"], "other": other}})

    server.before = change
    assert main(["install"]) == 0
    assert server.objects[CONFIG]["data"]["other"] == "second"
    assert suggestion_text(text_of(server), "morphling")


def test_changes_without_end_are_given_up(server: ApiServer, capsys: pytest.CaptureFixture[str]):
    def change(method: str, path: str) -> None:
        if (method, path) == ("PUT", CONFIG):
            server.put(CONFIG, **server.objects[CONFIG])

    server.before = change
    assert main(["install"]) == 1
    assert "was changed 5 times" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("GET", CONFIG, 404, "Katib must be installed in namespace kubeflow"),
        ("GET", CONFIG, 403, "Your account lacks the right: could not read katib-config"),
        ("PUT", CONFIG, 500, "The API server is in trouble: could not update katib-config"),
        ("GET", TEAM, 404, "The namespace must exist, but got 'team'"),
    ],
)
def test_refusals_in_plain_words(
    server: ApiServer,
    capsys: pytest.CaptureFixture[str],
    method: str,
    path: str,
    code: int,
    message: str,
):
    server.refusals[method, path] = code
    assert main(["install", "--namespace", "team"]) == 1
    assert message in capsys.readouterr().err


def test_an_unreachable_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with serving(ApiServer(), tmp_path) as kubeconfig:
        pass
    monkeypatch.setattr(DEFAULT_LOCATION, str(kubeconfig))
    assert main(["install"]) == 1
    assert "The API server cannot be reached" in capsys.readouterr().err
