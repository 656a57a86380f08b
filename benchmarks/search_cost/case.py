"""One search problem: an Experiment's parameters and the objective of every configuration."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from protos.katib import api_pb2

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A service to tune, with the truth known.

    Attributes:
        name: Unique among cases, such as ``open-source/ResNet50/objective1``.
        world: Group that is reported together, such as ``open-source``, ``production``, ``llm``.
        service: Name of the served model.
        family: Family of models that is held out together.
        parameters: Knob name to its values as text, in the order of the Experiment.
        kinds: Knob name to Katib's parameter type: ``int``, ``discrete`` or ``categorical``.
        values: Objective of every configuration, to be maximised, shape ``[N]`` in the order of
            ``itertools.product``; 0 where the service does not run.
        prices: Algorithm settings that tell what the objective was divided by; empty for a rate.
        library: Name of the library that may be used: what it was built from excludes the family.
        initial_points: The paper's initial points, as indices.
    """

    name: str
    world: str
    service: str
    family: str
    parameters: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, str]
    values: Array
    prices: Mapping[str, str] = field(default_factory=dict)
    library: str = ""
    initial_points: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        size = int(np.prod([len(values) for values in self.parameters.values()]))
        if self.values.shape != (size,):
            raise ValueError(f"values must have shape [{size}], but got {self.values.shape}.")

    @cached_property
    def assignments(self) -> tuple[dict[str, str], ...]:
        """Every configuration, in the order of ``values``."""
        names = list(self.parameters)
        return tuple(
            dict(zip(names, texts, strict=True))
            for texts in itertools.product(*self.parameters.values())
        )

    @cached_property
    def index(self) -> dict[tuple[str, ...], int]:
        """Position of a configuration by its texts, in the order of ``parameters``."""
        return {tuple(a.values()): position for position, a in enumerate(self.assignments)}

    def experiment(self, settings: Mapping[str, str], max_trials: int) -> api_pb2.Experiment:
        """The Experiment as Katib would send it."""
        built = api_pb2.Experiment(name=self.name)
        spec = built.spec
        spec.objective.type = api_pb2.MAXIMIZE
        spec.objective.objective_metric_name = "objective"
        spec.algorithm.algorithm_name = "morphling"
        for name, text in settings.items():
            spec.algorithm.algorithm_settings.add(name=name, value=text)
        for name, texts in self.parameters.items():
            kind = api_pb2.ParameterType.Value(self.kinds[name].upper())
            parameter = spec.parameter_specs.parameters.add(name=name, parameter_type=kind)
            if kind == api_pb2.INT:
                parameter.feasible_space.min, parameter.feasible_space.max = texts[0], texts[-1]
            else:
                parameter.feasible_space.list.extend(texts)
        spec.max_trial_count = max_trials
        return built
