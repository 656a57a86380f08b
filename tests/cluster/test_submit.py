"""``morphling submit`` against the API over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.commands import submit
from cluster.errors import ClusterError
from tests.cluster.katib_objects import finished, run, serving
from tests.fakes.katib_api import KatibApi

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "local" / "mlserver" / "experiment.yaml"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KatibApi]:
    with serving(tmp_path, monkeypatch) as api:
        yield api


def changed(folder: Path, path: str, value: Any) -> str:
    """The example with one field changed, as a file; returns its path."""
    document = yaml.safe_load(EXAMPLE.read_text())
    parent = document
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        parent = parent[key]
    parent[last] = value
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(document))
    return str(file)


def test_the_example_is_created_and_its_name_printed(
    api: KatibApi, capsys: pytest.CaptureFixture[str]
):
    assert run(submit, str(EXAMPLE)) == 0
    assert capsys.readouterr().out == "mlserver-digits\n"
    stored = api.objects["team"]["experiments"]["mlserver-digits"]
    assert stored["spec"] == yaml.safe_load(EXAMPLE.read_text())["spec"]


def test_every_committed_experiment_is_accepted(api: KatibApi):
    from cluster.experiment_file import load_experiment

    for path in EXAMPLES.rglob("*.yaml"):
        documents = list(yaml.safe_load_all(path.read_text()))
        if len(documents) == 1 and documents[0].get("kind") == "Experiment":
            load_experiment(path)


@pytest.mark.parametrize(
    ("arguments", "in_file", "namespace"),
    [((), None, "team"), ((), "other", "other"), (("--namespace", "team"), "other", "team")],
)
def test_the_namespace(api: KatibApi, tmp_path: Path, arguments, in_file, namespace: str):
    api.objects["other"] = {plural: {} for plural in api.objects["team"]}
    path = changed(tmp_path, "metadata.namespace", in_file) if in_file else str(EXAMPLE)
    assert run(submit, path, *arguments) == 0
    assert list(api.objects[namespace]["experiments"]) == ["mlserver-digits"]


def test_follow_waits_for_the_end(
    api: KatibApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    api.before_request = lambda number: finished(api) if number == 7 else None
    assert run(submit, changed(tmp_path, "metadata.name", "tune"), "--follow") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tune"
    assert "Katib has not yet taken the Experiment up." in lines
    assert lines[-1] == "best so far: peak_rps 120, batch_size=8 cpu_cores=2"


def test_a_taken_name(api: KatibApi):
    assert run(submit, str(EXAMPLE)) == 0
    with pytest.raises(ClusterError, match=r"used once in a namespace.*mlserver-digits.*is taken"):
        run(submit, str(EXAMPLE))


def test_katibs_denial_is_told_in_its_words(api: KatibApi):
    api.deny = lambda _experiment: "spec.algorithm.algorithmName: unknown algorithm morphling"
    with pytest.raises(ClusterError) as caught:
        run(submit, str(EXAMPLE))
    assert str(caught.value) == (
        "Katib refused the Experiment: spec.algorithm.algorithmName: unknown algorithm morphling"
    )


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (401, "Unauthorized", "does not accept the credentials"),
        (403, 'User "u" cannot create resource "experiments"', "lacks the right.*User"),
        (422, "name is invalid", "answered 422.*name is invalid"),
        (500, "Internal error occurred: failed calling webhook: refused", "webhook does not answ"),
        (503, "overloaded", "in trouble.*overloaded"),
    ],
)
def test_refusals_in_plain_words(api: KatibApi, code: int, message: str, said: str):
    api.refusals = [(code, message)]
    with pytest.raises(ClusterError, match=said):
        run(submit, str(EXAMPLE))


def test_a_missing_namespace(api: KatibApi):
    with pytest.raises(ClusterError, match="namespace must exist, but got 'nowhere'"):
        run(submit, str(EXAMPLE), "--namespace", "nowhere")


@pytest.mark.parametrize(
    ("path", "value", "flaw"),
    [
        ("kind", "Trial", "kind: must be Experiment, but got 'Trial'"),
        ("metadata", {}, "metadata.name: must be given"),
        ("spec", None, "spec: must be given"),
        ("spec.maxTrials", 3, "spec.maxTrials: is no field here; known are algorithm"),
        ("spec.maxTrialCount", "20", "spec.maxTrialCount: must be a whole number, but got '20'"),
        ("spec.objective.goal", True, "spec.objective.goal: must be a number, but got True"),
        (
            "spec.parameters.2.feasibleSpace.min",
            1,
            "spec.parameters.2.feasibleSpace.min: must be text (in quotes), but got 1",
        ),
        (
            "spec.parameters.0.feasibleSpace.list",
            [1],
            "spec.parameters.0.feasibleSpace.list.0: must be text (in quotes), but got 1",
        ),
        ("spec.parameters", {}, "spec.parameters: must be a list, but got {}"),
        ("spec.algorithm", "morphling", "spec.algorithm: must be a mapping, but got 'morphling'"),
        (
            "spec.metricsCollectorSpec.collector.customCollector.arg",
            [],
            "spec.metricsCollectorSpec.collector.customCollector.arg: is no field here",
        ),
        (
            "spec.trialTemplate.trialParameters",
            [],
            "spec.trialTemplate.trialParameters: must refer to every parameter, "
            "but not to 'max_batch_size'",
        ),
    ],
)
def test_flaws_are_found_before_anything_is_sent(
    api: KatibApi, tmp_path: Path, capsys: pytest.CaptureFixture[str], path, value, flaw: str
):
    assert run(submit, changed(tmp_path, path, value)) == 2
    assert flaw in capsys.readouterr().err
    assert api.requests == []


def test_amounts_of_a_resource_may_be_numbers(api: KatibApi, tmp_path: Path):
    path = "spec.metricsCollectorSpec.collector.customCollector.resources.requests"
    assert run(submit, changed(tmp_path, path, {"cpu": 1, "memory": "64Mi"})) == 0


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "must hold one Experiment, but holds"),
        ("a: 1\n---\nb: 2\n", "must hold one Experiment, but holds 2 documents"),
        ("a: 1\nb: [{c: 1,\nc: 2}]", "c: must not be given twice, but is on line 3"),
        ("a: [", "must be YAML"),
        ("- 1\n", "must hold one Experiment"),
        (b"\xff\xfe", "must be a readable text file"),
    ],
)
def test_files_that_are_no_experiment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text, flaw: str
):
    file = tmp_path / "e.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert run(submit, str(file)) == 2
    assert flaw in capsys.readouterr().err
