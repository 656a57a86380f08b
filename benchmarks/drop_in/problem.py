"""Black-box functions of the BBOB suite as Katib Experiments, continuous and mixed.

The functions are those of Hansen et al. (2009), as the package ``ioh`` has them: noiseless, to be
minimised, on [-5, 5] in each variable; an instance shifts and turns a function. In a mixed problem
some variables are cut into levels with the optimum among them, as in the suite bbob-mixint (Tusar
et al. 2019): an ``int``, a ``discrete`` list of numbers, and a ``categorical`` whose names have
nothing to do with the order of the levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import ioh
import numpy as np

from protos.katib import api_pb2

Kind = Literal["double", "int", "discrete", "categorical"]
Assignments = Mapping[str, str]

_HALF_WIDTH = 5.0
_NUM_LEVELS = {"int": 12, "discrete": 6, "categorical": 4}
_PARAMETER_TYPES = {
    "double": api_pb2.DOUBLE,
    "int": api_pb2.INT,
    "discrete": api_pb2.DISCRETE,
    "categorical": api_pb2.CATEGORICAL,
}
_NUM_SAMPLES = 1000


@dataclass(frozen=True)
class Problem:
    """One function in one number of dimensions.

    Attributes:
        function: Number of the BBOB function, 1 to 24.
        kinds: Katib's type of each parameter.
    """

    function: int
    kinds: tuple[Kind, ...]

    @property
    def name(self) -> str:
        """Such as ``f8 5-D`` or ``f8 mixed 5-D``."""
        mixed = "" if set(self.kinds) == {"double"} else "mixed "
        return f"f{self.function} {mixed}{len(self.kinds)}-D"

    def instance(self, number: int) -> "Instance":
        """The function as shifted and turned by the number of an instance, from 1."""
        return Instance(self, number)


@dataclass(frozen=True)
class Instance:
    """One instance of a problem; ``names`` are those of its parameters."""

    problem: Problem
    number: int

    @property
    def names(self) -> list[str]:
        return [f"x{index}" for index in range(len(self.problem.kinds))]

    def value(self, assignments: Assignments) -> float:
        """The objective, to be minimised."""
        x = [self._coordinate(index, assignments[name]) for index, name in enumerate(self.names)]
        return float(self._function(x))

    @property
    def optimum(self) -> float:
        """The smallest value there is."""
        return float(self._function.optimum.y)

    @cached_property
    def typical_regret(self) -> float:
        """Median regret of a random configuration: what regrets are divided by."""
        rng = np.random.default_rng(self.number)
        values = [self.value(self.random(rng)) for _ in range(_NUM_SAMPLES)]
        return float(np.median(values)) - self.optimum

    def random(self, rng: np.random.Generator) -> dict[str, str]:
        """A random configuration."""
        texts = []
        for index, kind in enumerate(self.problem.kinds):
            if kind == "double":
                texts.append(repr(float(rng.uniform(-_HALF_WIDTH, _HALF_WIDTH))))
            else:
                texts.append(str(rng.choice(self.levels(index))))
        return dict(zip(self.names, texts, strict=True))

    def levels(self, index: int) -> list[str]:
        """The texts of a parameter that is no ``double``, in the order of the variable."""
        kind = self.problem.kinds[index]
        count = _NUM_LEVELS[kind]
        if kind == "int":
            return [str(level) for level in range(1, count + 1)]
        if kind == "discrete":
            return [str(2**level) for level in range(count)]
        order = np.random.default_rng((self.number, index)).permutation(count)
        return [f"choice-{place}" for place in order]

    def parameter_specs(self) -> list[api_pb2.ParameterSpec]:
        """The parameters as an Experiment has them."""
        specs = []
        for index, (name, kind) in enumerate(zip(self.names, self.problem.kinds, strict=True)):
            spec = api_pb2.ParameterSpec(
                name=name,
                parameter_type=_PARAMETER_TYPES[kind],
            )
            space = spec.feasible_space
            space.distribution = api_pb2.UNIFORM
            if kind == "double":
                space.min, space.max = str(-_HALF_WIDTH), str(_HALF_WIDTH)
            elif kind == "int":
                space.min, space.max = "1", str(_NUM_LEVELS[kind])
            else:
                space.list.extend(sorted(self.levels(index), key=lambda text: (len(text), text)))
            specs.append(spec)
        return specs

    @cached_property
    def _function(self) -> Any:
        return ioh.get_problem(
            self.problem.function,
            instance=self.number,
            dimension=len(self.problem.kinds),
            problem_class=ioh.ProblemClass.BBOB,
        )

    def _coordinate(self, index: int, text: str) -> float:
        if self.problem.kinds[index] == "double":
            return float(text)
        levels = self.levels(index)
        spacing = 2 * _HALF_WIDTH / (len(levels) + 1)
        best = float(self._function.optimum.x[index])
        level_of_best = round((best + _HALF_WIDTH) / spacing) - 1
        level_of_best = min(max(level_of_best, 0), len(levels) - 1)
        return best + (levels.index(text) - level_of_best) * spacing


def continuous(function: int, dimension: int) -> Problem:
    """A function of ``double`` parameters only."""
    kind: Kind = "double"
    return Problem(function, (kind,) * dimension)


def mixed(function: int, kinds: Sequence[Kind]) -> Problem:
    """A function of parameters of several types."""
    return Problem(function, tuple(kinds))
