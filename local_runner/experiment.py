"""The Experiment that the local runner reads: Katib's fields and rules, as frozen values.

Fields: pkg/apis/controller/experiments/v1beta1/experiment_types.go; rules: the validating webhook,
pkg/webhook/v1beta1/experiment/validator/validator.go, both in kubeflow/katib at 33c8ff4e5.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

Name = Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)
Strategy = Literal["min", "max", "latest"]


class _Values(BaseModel):
    """Frozen, strict, camelCase outside; unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, validate_by_name=True
    )


class Metadata(_Values):
    """Object metadata; what Kubernetes adds by itself is accepted and ignored."""

    model_config = ConfigDict(extra="ignore")
    name: str = Name
    namespace: str = "default"


class MetricStrategy(_Values):
    name: str
    value: Strategy


class Objective(_Values):
    """The metric to optimise, and a target (``goal``) that ends the Experiment."""

    type: Literal["maximize", "minimize"]
    goal: float | None = None
    objective_metric_name: str = Field(min_length=1)
    additional_metric_names: tuple[str, ...] = Field(default=(), strict=False)
    metric_strategies: tuple[MetricStrategy, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _objective_is_not_additional(self) -> Self:
        if self.objective_metric_name in self.additional_metric_names:
            raise ValueError(
                "additionalMetricNames must not hold the objective, "
                f"but got {self.objective_metric_name!r}"
            )
        return self

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The objective, then the additional metrics."""
        return (self.objective_metric_name, *self.additional_metric_names)

    def strategy(self, metric_name: str) -> Strategy:
        """How several rows of a metric become one value; by default as the objective's type."""
        named = {strategy.name: strategy.value for strategy in self.metric_strategies}
        return named.get(metric_name, "max" if self.type == "maximize" else "min")


class Setting(_Values):
    name: str
    value: str


class Algorithm(_Values):
    algorithm_name: str = Field(min_length=1)
    algorithm_settings: tuple[Setting, ...] = Field(default=(), strict=False)


class FeasibleSpace(_Values):
    """Numbers are text, as Katib hands them on unchecked to the suggestion service."""

    min: str = ""
    max: str = ""
    step: str = ""
    list: tuple[str, ...] = Field(default=(), strict=False)
    distribution: Literal["uniform", "logUniform", "normal", "logNormal"] = "uniform"


class Parameter(_Values):
    name: str = Field(min_length=1)
    parameter_type: Literal["double", "int", "discrete", "categorical"]
    feasible_space: FeasibleSpace

    @model_validator(mode="after")
    def _space_fits_type(self) -> Self:
        space = self.feasible_space
        if self.parameter_type in ("double", "int"):
            if space.list or not space.min or not space.max:
                raise ValueError(f"feasibleSpace of {self.parameter_type} must have min and max")
        elif space.min or space.max or space.step:
            raise ValueError(f"feasibleSpace of {self.parameter_type} must have a list only")
        return self


class TrialParameter(_Values):
    name: str = Field(min_length=1)
    reference: str = Field(min_length=1)
    description: str = ""


class TrialTemplate(_Values):
    trial_spec: dict[str, Any]
    trial_parameters: tuple[TrialParameter, ...] = Field(strict=False)
    primary_container_name: str = Field(min_length=1)
    primary_pod_labels: dict[str, str] = {}
    success_condition: str = Field(min_length=1)
    failure_condition: str = Field(min_length=1)
    retain: bool = False

    @field_validator("trial_spec")
    @classmethod
    def _is_inference_service(cls, spec: dict[str, Any]) -> dict[str, Any]:
        kind, version = spec.get("kind"), spec.get("apiVersion")
        if (kind, version) != ("InferenceService", "serving.kserve.io/v1beta1"):
            raise ValueError(
                "the local runner runs InferenceService of serving.kserve.io/v1beta1, "
                f"but got {kind} of {version}"
            )
        metadata = spec.get("metadata") or {}
        if not isinstance(metadata, dict) or metadata.keys() & {"name", "namespace"}:
            raise ValueError("metadata.name and metadata.namespace must be left to Katib")
        return spec

    @model_validator(mode="after")
    def _parameters_are_unique(self) -> Self:
        for field in ("name", "reference"):
            values = [getattr(parameter, field) for parameter in self.trial_parameters]
            for value in values:
                if values.count(value) > 1:
                    raise ValueError(
                        f"trialParameters must have unique {field}s, but got {value!r} twice"
                    )
        return self


class FileSystemPath(_Values):
    path: str = Field(pattern=r"^/.*[^/]$")
    kind: Literal["File"]
    format: Literal["TEXT", "JSON"] | None = None


class Source(_Values):
    file_system_path: FileSystemPath


class Collector(_Values):
    kind: Literal["Custom"]
    custom_collector: dict[str, Any]


class MetricsCollectorSpec(_Values):
    source: Source
    collector: Collector


class Spec(_Values):
    """The specification; what the local runner cannot play is refused by name."""

    objective: Objective
    algorithm: Algorithm
    parameters: tuple[Parameter, ...] = Field(min_length=1, strict=False)
    parallel_trial_count: int = Field(default=3, ge=1)
    max_trial_count: int | None = Field(default=None, ge=1)
    max_failed_trial_count: int | None = Field(default=None, ge=0)
    resume_policy: Literal["Never", "LongRunning", "FromVolume"] = "Never"
    metrics_collector_spec: MetricsCollectorSpec
    trial_template: TrialTemplate

    @model_validator(mode="before")
    @classmethod
    def _is_played_locally(cls, fields: Any) -> Any:
        for name in ("earlyStopping", "nasConfig"):
            if isinstance(fields, Mapping) and name in fields:
                raise ValueError(f"{name} is not played by the local runner; remove it")
        return fields

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        if self.max_trial_count is not None:
            for name in ("parallel_trial_count", "max_failed_trial_count"):
                value = getattr(self, name)
                if value is not None and value > self.max_trial_count:
                    raise ValueError(
                        f"{to_camel(name)} <= maxTrialCount must hold, "
                        f"but got {value} and {self.max_trial_count}"
                    )
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"parameter names must be unique, but got {name!r} twice")
        references = [p.reference for p in self.trial_template.trial_parameters]
        for reference in references:
            if reference not in names and not reference.startswith("${trialSpec."):
                raise ValueError(f"trialParameters must refer to parameters, but got {reference!r}")
        for name in names:
            if name not in references:
                raise ValueError(f"every parameter must be used by the template, but not {name!r}")
        return self


class Experiment(_Values):
    """A Katib Experiment of InferenceService trials."""

    api_version: Literal["kubeflow.org/v1beta1"]
    kind: Literal["Experiment"]
    metadata: Metadata
    spec: Spec

    @property
    def name(self) -> str:
        return self.metadata.name


def flaws(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Turns pydantic's errors into lines of the form ``path: rule, but got value``."""
    lines = []
    for error in errors:
        path = ".".join(str(part) for part in error["loc"]) or "Experiment"
        kind, message = error["type"], str(error["msg"]).removeprefix("Value error, ")
        if kind == "extra_forbidden":
            lines.append(f"{path}: is not a field that the local runner knows")
        elif kind == "missing":
            lines.append(f"{path}: must be given, but is missing")
        elif kind == "value_error":
            lines.append(f"{path}: {message}")
        else:
            rule = message.replace("Input should be", "must be").replace("String should", "must")
            lines.append(f"{path}: {rule}, but got {error['input']!r:.60}")
    return lines
