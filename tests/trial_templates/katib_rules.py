"""What Katib's webhook refuses in an Experiment, as a test oracle.

pkg/webhook/v1beta1/experiment/validator/validator.go:81-574 of kubeflow/katib, for Experiments
whose trial template is given inline.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{trialParameters\.([^}]+)\}")
_META = re.compile(r"\$\{trialSpec\.(Name|Namespace|Kind|APIVersion)\}")
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LISTS, _RANGES = ("discrete", "categorical"), ("int", "double")


def flaws(experiment: Mapping[str, Any], template_text: str) -> Iterator[str]:
    """Every rule that an Experiment breaks.

    Args:
        experiment: The object.
        template_text: Its trialSpec as text, in which Katib replaces placeholders.
    """
    spec = experiment["spec"]
    if not _NAME.fullmatch(experiment["metadata"]["name"]):
        yield "metadata.name"
    if len(experiment["metadata"]["name"]) > 40:
        yield "metadata.name is longer than 40"
    yield from _budget(spec)
    yield from _objective(spec["objective"])
    if not spec["parameters"]:
        yield "parameters"
    for parameter in spec["parameters"]:
        yield from _parameter(parameter)
    yield from _collector(spec["metricsCollectorSpec"])
    yield from _template(spec, template_text)


def _budget(spec: Mapping[str, Any]) -> Iterator[str]:
    for name in ("maxTrialCount", "parallelTrialCount", "maxFailedTrialCount"):
        if not isinstance(spec.get(name, 1), int) or spec.get(name, 1) < (name[3] != "F"):
            yield name
    if max(spec["parallelTrialCount"], spec["maxFailedTrialCount"]) > spec["maxTrialCount"]:
        yield "parallelTrialCount or maxFailedTrialCount above maxTrialCount"


def _objective(objective: Mapping[str, Any]) -> Iterator[str]:
    if objective.get("type") not in ("maximize", "minimize"):
        yield "objective.type"
    if not objective.get("objectiveMetricName"):
        yield "objectiveMetricName"
    if objective["objectiveMetricName"] in objective.get("additionalMetricNames", ()):
        yield "objectiveMetricName among additionalMetricNames"


def _parameter(parameter: Mapping[str, Any]) -> Iterator[str]:
    name, kind, space = parameter["name"], parameter["parameterType"], parameter["feasibleSpace"]
    if kind not in (*_LISTS, *_RANGES):
        yield f"{name}: parameterType"
    if kind in _LISTS and (set(space) - {"list", "distribution"} or not space.get("list")):
        yield f"{name}: list and nothing else"
    if kind in _RANGES and ("list" in space or not {"min", "max"} <= space.keys()):
        yield f"{name}: min, max and no list"
    texts = [*space.get("list", ()), *(space[k] for k in ("min", "max", "step") if k in space)]
    if not all(isinstance(text, str) for text in texts):
        yield f"{name}: values must be strings"


def _collector(spec: Mapping[str, Any]) -> Iterator[str]:
    if spec["collector"]["kind"] == "Push":
        return
    if spec["collector"]["kind"] != "Custom" or not spec["collector"].get("customCollector"):
        yield "customCollector"
    place = spec["source"]["fileSystemPath"]
    if place["kind"] not in ("File", "Directory") or not place["path"].startswith("/"):
        yield "fileSystemPath"


def _template(spec: Mapping[str, Any], text: str) -> Iterator[str]:
    template = spec["trialTemplate"]
    for field in ("primaryContainerName", "successCondition", "failureCondition"):
        if not template.get(field):
            yield f"trialTemplate.{field}"
    parameters = template["trialParameters"]
    for key in ("name", "reference"):
        if max(Counter(one[key] for one in parameters).values()) > 1:
            yield f"trialParameters: {key} twice"
    # Besides the webhook: the generator wants as many assignments (generator.go:134-189).
    # ${trialSpec.Name} and its like are no parameters (const.go:137-150).
    references = {r for one in parameters if not _META.fullmatch(r := one["reference"])}
    if references != {one["name"] for one in spec["parameters"]}:
        yield "trialParameters must refer to every parameter"
    if set(_PLACEHOLDER.findall(text)) != {one["name"] for one in parameters}:
        yield "placeholders must be the trialParameters"
    trial = template["trialSpec"]
    if not trial.get("apiVersion") or not trial.get("kind"):
        yield "trialSpec.apiVersion or kind"
    if {"name", "namespace"} & (trial.get("metadata") or {}).keys():
        yield "trialSpec.metadata.name or namespace"
