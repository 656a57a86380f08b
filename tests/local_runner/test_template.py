"""Substitution as Katib does it: text replacement in the JSON of the trialSpec."""

from typing import Any

import pytest

from local_runner.experiment import TrialTemplate
from local_runner.template import TemplateError, render

SPEC: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"labels": {"team": "vision"}, "annotations": {"a/b": "c"}},
    "spec": {"predictor": {"a": "${trialParameters.x}", "b": ["<${trialParameters.x}>"]}},
}


def template(spec: dict[str, Any] = SPEC, **references: str) -> TrialTemplate:
    return TrialTemplate(
        trial_spec=spec,
        trial_parameters=[
            {"name": name, "reference": reference} for name, reference in references.items()
        ],
        primary_container_name="load-generator",
        success_condition="s",
        failure_condition="f",
    )


def rendered(reference: str, **assignments: str) -> dict[str, Any]:
    return render(template(x=reference), assignments, "trial-1", "ns")


def test_a_placeholder_is_replaced_wherever_it_stands():
    done = rendered("knob", knob="7")
    assert done["spec"]["predictor"] == {"a": "7", "b": ["<7>"]}
    assert done["metadata"] == {**SPEC["metadata"], "name": "trial-1", "namespace": "ns"}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${trialSpec.Name}", "trial-1"),
        ("${trialSpec.Namespace}", "ns"),
        ("${trialSpec.Kind}", "InferenceService"),
        ("${trialSpec.APIVersion}", "serving.kserve.io/v1beta1"),
        ("${trialSpec.Labels[team]}", "vision"),
        ("${trialSpec.Annotations[a/b]}", "c"),
    ],
)
def test_meta_references(reference: str, value: str):
    assert rendered(reference)["spec"]["predictor"]["a"] == value


@pytest.mark.parametrize(
    ("reference", "assignments", "message"),
    [
        ("${trialSpec.Labels[nobody]}", {}, "must be a parameter or a field of trialSpec"),
        ("missing", {"knob": "1"}, "missing must be a parameter"),
        ("knob", {"knob": 'a"b'}, "must leave trialSpec valid JSON"),
    ],
)
def test_flaws(reference: str, assignments: dict[str, str], message: str):
    with pytest.raises(TemplateError, match="must") as caught:
        rendered(reference, **assignments)
    assert message in str(caught.value)


def test_a_placeholder_must_be_declared_and_a_declaration_used():
    with pytest.raises(TemplateError, match="must declare 'x'"):
        render(template(), {}, "t", "ns")
    with pytest.raises(TemplateError, match=r"trialSpec must hold \$\{trialParameters.y\}"):
        render(template(x="a", y="b"), {"a": "1", "b": "2"}, "t", "ns")


def test_the_template_is_not_changed():
    rendered("knob", knob="7")
    assert SPEC["spec"]["predictor"]["a"] == "${trialParameters.x}"
    assert "name" not in SPEC["metadata"]
