"""Worker of the Vizier method: run by the Python of an environment that has google-vizier.

Reads one JSON object a line and answers with one a line. ``{"start": {knob: {"kind": "number" or
"choice", "values": [...]}}, "seed": n}`` begins a search; ``{"samples": [{"point": {knob: text},
"value": number or null}]}`` adds finished trials, null meaning infeasible, and is answered with
``{"point": {knob: text}}``. The designer is Vizier's ``GAUSSIAN_PROCESS_BANDIT`` with its defaults.
Imports nothing of this project, which is not installed there.
"""

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import jax
from vizier import algorithms
from vizier import pyvizier as vz

# Not by way of vizier.algorithms.designers, which imports solvers that this designer does without.
from vizier._src.algorithms.designers.gp_bandit import VizierGPBandit
from vizier.pyvizier.converters import padding

Json = Mapping[str, Any]


class Search:
    """One designer and how its parameters are written as texts."""

    def __init__(self, space: Json, seed: int) -> None:
        self._space = space
        # Padding to powers of two only spares compilations; results are the same up to rounding.
        schedule = padding.PaddingSchedule(num_trials=padding.PaddingType.POWERS_OF_2)
        self._designer = VizierGPBandit.from_problem(
            _problem(space), seed=seed, padding_schedule=schedule
        )
        self._num_trials = 0

    def propose(self, samples: Sequence[Json]) -> dict[str, str]:
        """Adds trials and returns the next point."""
        trials = [self._trial(sample) for sample in samples]
        self._designer.update(algorithms.CompletedTrials(trials), algorithms.ActiveTrials())
        parameters = self._designer.suggest(1)[0].parameters.as_dict()
        return {name: self._text(name, parameters[name]) for name in self._space}

    def _trial(self, sample: Json) -> Any:
        self._num_trials += 1
        point = {
            name: float(text) if self._space[name]["kind"] == "number" else text
            for name, text in sample["point"].items()
        }
        trial = vz.Trial(id=self._num_trials, parameters=point)
        if sample["value"] is None:
            return trial.complete(vz.Measurement(), infeasibility_reason="does not run")
        return trial.complete(vz.Measurement(metrics={"objective": sample["value"]}))

    def _text(self, name: str, value: Any) -> str:
        texts: list[str] = self._space[name]["values"]
        if self._space[name]["kind"] == "choice":
            return next(text for text in texts if text == str(value))
        return next(text for text in texts if float(text) == float(value))


def _problem(space: Json) -> Any:
    problem = vz.ProblemStatement()
    problem.metric_information.append(
        vz.MetricInformation("objective", goal=vz.ObjectiveMetricGoal.MAXIMIZE)
    )
    for name, knob in space.items():
        if knob["kind"] == "number":
            values = sorted(float(text) for text in knob["values"])
            # Doubling values, such as batch sizes, belong on a logarithmic axis.
            is_log = values[0] > 0 and values[-1] > 20 * values[0]
            scale = vz.ScaleType.LOG if is_log else vz.ScaleType.LINEAR
            problem.search_space.root.add_discrete_param(name, values, scale_type=scale)
        else:
            problem.search_space.root.add_categorical_param(name, knob["values"])
    return problem


def main() -> None:
    """Answers until the input ends."""
    jax.config.update("jax_enable_x64", True)
    search = None
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        # Whatever Vizier prints must not get between the answers.
        with contextlib.redirect_stdout(sys.stderr):
            if "start" in asked:
                # What was compiled for another designer is never used again, and takes gigabytes.
                jax.clear_caches()
                search = Search(asked["start"], asked["seed"])
            elif search is not None:
                answer = {"point": search.propose(asked["samples"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
