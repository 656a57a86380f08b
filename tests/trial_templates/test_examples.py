"""Every example: current, accepted by Katib, KServe and the search, and judged as it should be."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from load_generator.flags import make_config, make_parser
from load_generator.main import main as load_generator
from load_generator.prompts import RandomPrompts
from local_runner import wire
from local_runner.load import parse_experiment
from metrics_collector.observation_log import parse_metric_names
from suggestion.designer import suggest
from suggestion.evidence import evidence_of
from suggestion.katib import experiment_from_proto
from suggestion.library import SHIPPED, Library
from suggestion.surrogate_choice import SurrogateChooser
from suggestion.trial import Direction
from tests.fakes.gjson import holds
from tests.trial_templates import statuses, structure
from tests.trial_templates.katib_rules import flaws
from trial_driver.inference_service import parse
from trial_templates.__main__ import main
from trial_templates.examples import EXAMPLES, ROOT, Example

SERVICES = [one for one in EXAMPLES if not one.is_job]


@pytest.fixture(params=EXAMPLES, ids=lambda example: example.name)
def example(request: pytest.FixtureRequest) -> Example:
    chosen: Example = request.param
    return chosen


def path_of(example: Example) -> Path:
    return ROOT / "examples" / example.place


def experiment_of(example: Example) -> dict[str, Any]:
    """With the trial template in place where it lies in a ConfigMap."""
    experiment, *others = yaml.safe_load_all(path_of(example).read_text())
    template = experiment["spec"]["trialTemplate"]
    if others:
        (config_map,), source = others, template.pop("configMap")
        assert config_map["kind"] == "ConfigMap"
        assert config_map["metadata"]["name"] == source["configMapName"]
        template["trialSpec"] = yaml.safe_load(config_map["data"][source["templatePath"]])
    return dict(experiment)


@cache
def shipped() -> Library:
    return Library.load(SHIPPED)


@cache
def suggested(name: str) -> tuple[str, list[dict[str, str]]]:
    """The surrogate that the service takes for an example, and its first assignments."""
    example = next(one for one in EXAMPLES if one.name == name)
    # The local runner reads no Jobs; what the search sees of one is that of its InferenceService.
    sibling = replace(example, is_job=False)
    for part in ("parameters", "algorithm", "objective"):
        assert experiment_of(example)["spec"][part] == experiment_of(sibling)["spec"][part]
    local = parse_experiment(yaml.safe_dump(experiment_of(sibling)))
    values = experiment_from_proto(wire.experiment_to_proto(local))
    chooser = SurrogateChooser(shipped())
    choice = chooser.choose(values.space, values.objective, values.settings, 0, values.budget)
    evidence = evidence_of(values.space, [], Direction.MAXIMIZE)
    found = suggest(choice.search, evidence, 5)
    return choice.search.name, list(found.assignments)


def rendered(example: Example, assignments: dict[str, str]) -> dict[str, Any]:
    """The trial as Katib makes it: text replaced in the template's JSON, where it stays text, or
    in the text of the ConfigMap."""
    template = experiment_of(example)["spec"]["trialTemplate"]
    text = json.dumps(template["trialSpec"])
    if example.runtime.batcher:
        _, config_map = yaml.safe_load_all(path_of(example).read_text())
        (text,) = config_map["data"].values()
    for parameter in template["trialParameters"]:
        value = {**assignments, "${trialSpec.Name}": "trial-1"}[parameter["reference"]]
        text = text.replace(f"${{trialParameters.{parameter['name']}}}", value)
    return dict(yaml.safe_load(text))


def parts(example: Example, assignments: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The InferenceService and the container with the load generator."""
    trial = rendered(example, assignments)
    if not example.is_job:
        return trial, trial["spec"]["predictor"]["containers"][1]
    (container,) = trial["spec"]["template"]["spec"]["containers"]
    return parse(container["env"][0]["value"]), container


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
        service, tester = parts(example, each)
        assert "${" not in yaml.safe_dump(rendered(example, each))
        assert service["kind"] == "InferenceService"
        annotations = service["metadata"]["annotations"]
        assert annotations["serving.kserve.io/deploymentMode"] == "RawDeployment"
        assert annotations["serving.kserve.io/autoscalerClass"] == "none"
        predictor = service["spec"]["predictor"]
        assert predictor["minReplicas"] == predictor["maxReplicas"] == 1
        server = predictor["containers"][0]
        names = [container["name"] for container in predictor["containers"]]
        assert names == ["kserve-container", "load-generator"][: 1 if example.is_job else 2]
        for container in (server, tester):
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        probe = server["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] == example.runtime.start_seconds


def test_every_field_is_one_of_kserve_and_kubernetes(example: Example):
    _, assignments = suggested(example.name)
    for each in assignments:
        trial = rendered(example, each)
        assert list(structure.flaws(parts(example, each)[0], "V1beta1InferenceService")) == []
        if example.is_job:
            assert list(structure.flaws(trial, "V1Job")) == []
        collector = experiment_of(example)["spec"]["metricsCollectorSpec"]["collector"]
        if "customCollector" in collector:
            assert list(structure.flaws(collector["customCollector"], "V1Container")) == []


def test_flaws_of_structure_are_found():
    predictor = {"minReplicas": "1", "container": [], "containers": [{"name": "a", "ports": [8]}]}
    service = {"kind": "InferenceService", "spec": {"predictor": predictor}}
    assert list(structure.flaws(service, "V1beta1InferenceService")) == [
        ".spec.predictor.minReplicas must be int, but is '1'",
        ".spec.predictor.container is not a field of V1beta1PredictorSpec",
        ".spec.predictor.containers[0].ports[0] must be a V1ContainerPort, but is 8",
    ]


def test_a_share_of_a_gpu_is_asked_for_as_its_system_wants(example: Example):
    _, (assignments, *_) = suggested(example.name)
    predictor = parts(example, assignments)[0]["spec"]["predictor"]
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


def flags_of(example: Example) -> list[str]:
    """Flags of the load generator in the first trial."""
    _, (assignments, *_) = suggested(example.name)
    _, tester = parts(example, assignments)
    words = "\n".join(tester["args"]).replace("\\\n", "\n").split("\n--\n")[-1]
    flags = re.findall(r"--[\w-]+(?:=\S+)?", words)
    # What the shell computes is a number.
    return [re.sub(r"=\$\(\(.*", "=50", flag) for flag in flags]


def test_the_load_generator_takes_its_flags(example: Example, capsys: pytest.CaptureFixture[str]):
    flags = flags_of(example)
    with pytest.raises(SystemExit) as caught:
        load_generator([*flags, "--no-such-flag"])
    assert caught.value.code == 2
    assert "unrecognized arguments: --no-such-flag" in capsys.readouterr().err
    ready = 30 if example.is_job else example.runtime.start_seconds
    assert f"--ready-seconds={ready}" in flags


@pytest.mark.parametrize(
    "example", [one for one in EXAMPLES if one.runtime.name == "vllm"], ids=lambda one: one.name
)
def test_a_language_model_is_tested_as_one(example: Example):
    config = make_config(make_parser().parse_args(flags_of(example)))
    assert config.protocol == "openai-completions"
    assert config.ignore_eos
    assert config.slo.describe() == "TTFT 1000 ms, TPOT 100 ms"
    script = example.runtime.script(example.sharing)
    (limit,) = re.findall(r"--max-model-len=(\d+)", "".join(script))
    assert isinstance(config.prompts, RandomPrompts)
    picked = [config.prompts.pick(index, index) for index in range(4096)]
    # A word may be two tokens in the vocabulary of another model.
    assert max(2 * len(p.text.split()) + p.max_tokens for p in picked) <= int(limit)
    assert {"ttft_p99_ms", "tpot_p99_ms"} < set(example.runtime.metrics)


def test_the_page_on_language_models_shows_the_flags_of_the_example():
    page = (ROOT / "docs" / "language-models.md").read_text()
    shown = re.findall(r"^  - (--.+)$", page, re.MULTILINE)
    (example,) = [one for one in EXAMPLES if one.name == "vllm-hami"]
    assert len(shown) > 5
    assert set(shown) < set(flags_of(example))


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
        for template in (experiment_of(each)["spec"]["trialTemplate"] for each in SERVICES)
    }
    ((success, failure),) = conditions
    document = {"status": status} if status else {}
    assert holds(document, success) == is_success
    assert holds(document, failure) == is_failure


def test_the_metrics_reported_are_those_declared(example: Example):
    spec = experiment_of(example)["spec"]
    objective = spec["objective"]
    declared = [objective["objectiveMetricName"], *objective["additionalMetricNames"]]
    assert parse_metric_names(",".join(declared)) == tuple(declared)
    if example.is_job:
        job = spec["trialTemplate"]["trialSpec"]["spec"]
        (container,) = job["template"]["spec"]["containers"]
        assert f"--metrics={','.join(declared)}" in container["args"]
        assert job["activeDeadlineSeconds"] > example.runtime.start_seconds + 300
        return
    collector = spec["metricsCollectorSpec"]["collector"]["customCollector"]
    assert f"--metrics={','.join(declared)}" in collector["args"]
    deadline = next(a for a in collector["args"] if a.startswith("--deadline-seconds="))
    assert int(deadline.split("=")[1]) > example.runtime.start_seconds + 60
