"""Every example: current, accepted by Katib, KServe and the search, and judged as it should be."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from load_generator.main import main as load_generator
from local_runner import wire
from local_runner.load import load_experiment
from suggestion.designer import suggest
from suggestion.evidence import evidence_of
from suggestion.katib import experiment_from_proto
from suggestion.library import SHIPPED, Library
from suggestion.surrogate_choice import SurrogateChooser
from suggestion.trial import Direction
from tests.fakes.gjson import holds
from tests.trial_templates import statuses
from tests.trial_templates.katib_rules import flaws
from trial_templates.__main__ import main
from trial_templates.examples import EXAMPLES, ROOT, Example

# Fields of serving.kserve.io/v1beta1 that the templates use: pkg/apis/serving/v1beta1/predictor.go,
# component.go; the rest of a predictor is a PodSpec.
PREDICTOR = {
    "minReplicas", "maxReplicas", "labels", "annotations", "schedulerName", "nodeSelector",
    "containers",
}  # fmt: skip
CONTAINER = {
    "name", "image", "command", "args", "env", "ports", "startupProbe", "readinessProbe",
    "resources",
}  # fmt: skip


@pytest.fixture(params=EXAMPLES, ids=lambda example: example.name)
def example(request: pytest.FixtureRequest) -> Example:
    chosen: Example = request.param
    return chosen


def path_of(example: Example) -> Path:
    return ROOT / "examples" / example.sharing.name / f"{example.runtime.name}.yaml"


def experiment_of(example: Example) -> dict[str, Any]:
    return dict(yaml.safe_load(path_of(example).read_text()))


@cache
def shipped() -> Library:
    return Library.load(SHIPPED)


@cache
def suggested(name: str) -> tuple[str, list[dict[str, str]]]:
    """The surrogate that the service takes for an example, and its first assignments."""
    example = next(one for one in EXAMPLES if one.name == name)
    values = experiment_from_proto(wire.experiment_to_proto(load_experiment(path_of(example))))
    chooser = SurrogateChooser(shipped())
    choice = chooser.choose(values.space, values.objective, values.settings, 0, values.budget)
    evidence = evidence_of(values.space, [], Direction.MAXIMIZE)
    found = suggest(choice.search, evidence, 5)
    return choice.search.name, list(found.assignments)


def rendered(example: Example, assignments: dict[str, str]) -> dict[str, Any]:
    """The trial as Katib makes it: text replaced in the template's JSON, where it stays text."""
    template = experiment_of(example)["spec"]["trialTemplate"]
    text = json.dumps(template["trialSpec"])
    for parameter in template["trialParameters"]:
        value = assignments[parameter["reference"]]
        text = text.replace(f"${{trialParameters.{parameter['name']}}}", value)
    return dict(json.loads(text))


def test_the_committed_files_are_current(capsys: pytest.CaptureFixture[str]):
    assert (main(["--check"]), capsys.readouterr().out) == (0, "")
    folders = {example.sharing.name for example in EXAMPLES}
    written = {path for example in EXAMPLES for path in example.texts()}
    for root in (ROOT / "examples", ROOT / "trial_templates"):
        for folder in folders:
            assert set((root / folder).iterdir()) <= written


def test_katib_accepts_it(example: Example):
    experiment = experiment_of(example)
    text = yaml.safe_dump(experiment["spec"]["trialTemplate"]["trialSpec"])
    assert list(flaws(experiment, text)) == []


def test_the_rules_refuse_what_katib_refuses():
    broken = experiment_of(EXAMPLES[0])
    broken["spec"]["parameters"][0]["feasibleSpace"]["min"] = "1"
    broken["spec"]["parallelTrialCount"] = 99
    broken["spec"]["trialTemplate"]["trialParameters"].pop()
    found = list(flaws(broken, "no placeholder"))
    assert len(found) == 4
    assert any(flaw.startswith("gpu_type: list") for flaw in found)


def test_the_search_knows_the_knobs(example: Example):
    surrogate, _ = suggested(example.name)
    # Fractions of a card of no stated type, replicas and cores alone are beyond the library.
    has_gpu_type = {"gpu_type", "gpu_product"} & {knob.name for knob in example.knobs}
    assert surrogate == "library" or not has_gpu_type


def test_every_assignment_gives_a_whole_inference_service(example: Example):
    _, assignments = suggested(example.name)
    for each in assignments:
        service = rendered(example, each)
        assert "${" not in yaml.safe_dump(service)
        assert service["kind"] == "InferenceService"
        annotations = service["metadata"]["annotations"]
        assert annotations["serving.kserve.io/deploymentMode"] == "RawDeployment"
        assert annotations["serving.kserve.io/autoscalerClass"] == "none"
        predictor = service["spec"]["predictor"]
        assert set(predictor) <= PREDICTOR
        assert predictor["minReplicas"] == predictor["maxReplicas"] == 1
        for texts in ("labels", "annotations", "nodeSelector"):
            assert all(isinstance(v, str) for v in predictor.get(texts, {}).values())
        server, tester = predictor["containers"]
        assert (server["name"], tester["name"]) == ("kserve-container", "load-generator")
        for container in (server, tester):
            assert set(container) <= CONTAINER
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert all(isinstance(one["value"], str) for one in server["env"])
        probe = server["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] == example.runtime.start_seconds


def test_a_share_of_a_gpu_is_asked_for_as_its_system_wants(example: Example):
    _, (assignments, *_) = suggested(example.name)
    predictor = rendered(example, assignments)["spec"]["predictor"]
    limits = predictor["containers"][0]["resources"]["limits"]
    if example.sharing.name.startswith("kai"):
        # Exclude each other, and a limit on whole GPUs.
        assert len({"gpu-fraction", "gpu-memory"} & predictor["annotations"].keys()) == 1
        assert not any(key.startswith("nvidia.com") for key in limits)
        assert predictor["schedulerName"] == "kai-scheduler"
        fraction = predictor["annotations"].get("gpu-fraction", "0.5")
        assert 0 < float(fraction) < 1
    if example.sharing.name == "hami":
        assert limits["nvidia.com/gpu"] == "1"
        assert limits["nvidia.com/gpumem-percentage"] == assignments["gpu_memory_percent"]
        env = {one["name"]: one["value"] for one in predictor["containers"][0]["env"]}
        assert env["GPU_CORE_UTILIZATION_POLICY"] == "force"
    if example.sharing.name == "cpu":
        assert set(limits) == {"cpu", "memory"}


def test_the_load_generator_takes_its_flags(example: Example, capsys: pytest.CaptureFixture[str]):
    _, (assignments, *_) = suggested(example.name)
    tester = rendered(example, assignments)["spec"]["predictor"]["containers"][1]
    flags = re.findall(r"--[\w-]+(?:=\S+)?", "\n".join(tester["args"]).replace("\\\n", "\n"))
    # What the shell computes is a number.
    flags = [re.sub(r"=\$\(\(.*", "=50", flag) for flag in flags]
    with pytest.raises(SystemExit) as caught:
        load_generator([*flags, "--no-such-flag"])
    assert caught.value.code == 2
    assert "unrecognized arguments: --no-such-flag" in capsys.readouterr().err
    ready = f"--ready-seconds={example.runtime.start_seconds}"
    assert ready in flags


@pytest.mark.parametrize(
    ("status", "is_success", "is_failure"),
    [
        (statuses.NONE, False, False),
        (statuses.STARTING, True, False),
        (statuses.READY, True, False),
        (statuses.FLAPPING, True, False),
        (statuses.RECOVERED, True, False),
        (statuses.CRASH_LOOP, True, True),
        (statuses.INVALID, True, True),
        (statuses.DENIED, True, False),
    ],
)
def test_conditions(status: statuses.Status, is_success: bool, is_failure: bool):
    # Success means no more than that there is a status: the trial then ends with its metrics.
    # Failure is judged first.
    conditions = {
        (template["successCondition"], template["failureCondition"])
        for template in (experiment_of(each)["spec"]["trialTemplate"] for each in EXAMPLES)
    }
    ((success, failure),) = conditions
    document = {"status": status} if status else {}
    assert holds(document, success) == is_success
    assert holds(document, failure) == is_failure


def test_the_metrics_reported_are_those_declared(example: Example):
    spec = experiment_of(example)["spec"]
    objective = spec["objective"]
    declared = [objective["objectiveMetricName"], *objective["additionalMetricNames"]]
    collector = spec["metricsCollectorSpec"]["collector"]["customCollector"]
    assert f"--metrics={','.join(declared)}" in collector["args"]
    deadline = next(a for a in collector["args"] if a.startswith("--deadline-seconds="))
    assert int(deadline.split("=")[1]) > example.runtime.start_seconds + 60
