"""Our suggestion service over its real gRPC interface, without any setting but the seed."""

from collections.abc import Sequence

from benchmarks.drop_in.problem import Assignments, Instance
from benchmarks.drop_in.search import Finished
from benchmarks.search_cost.methods.ours import Services, end_of
from protos.katib import api_pb2, api_pb2_grpc

_METRIC = "loss"


class OursSearch:
    """The requests that Katib would send for one Experiment."""

    def __init__(
        self, stub: api_pb2_grpc.SuggestionStub, instance: Instance, seed: int, budget: int
    ) -> None:
        self._stub = stub
        experiment = api_pb2.Experiment(name=f"{instance.problem.name}-{instance.number}")
        experiment.spec.objective.type = api_pb2.MINIMIZE
        experiment.spec.objective.objective_metric_name = _METRIC
        experiment.spec.algorithm.algorithm_name = "morphling"
        experiment.spec.algorithm.algorithm_settings.add(name="random_state", value=str(seed))
        experiment.spec.parameter_specs.parameters.extend(instance.parameter_specs())
        experiment.spec.max_trial_count = budget
        self._request = api_pb2.GetSuggestionsRequest(experiment=experiment)

    def propose(self, trials: Sequence[Finished], count: int) -> list[Assignments]:
        """See ``Search.propose``."""
        for number in range(len(self._request.trials), len(trials)):
            self._request.trials.append(_trial(number, trials[number]))
        self._request.current_request_number = count
        self._request.total_request_number = len(trials) + count
        reply = self._stub.GetSuggestions(self._request)
        return [
            {pair.name: pair.value for pair in suggestion.assignments}
            for suggestion in reply.parameter_assignments
        ]


def _trial(number: int, finished: Finished) -> api_pb2.Trial:
    built = api_pb2.Trial(name=f"trial-{number:05d}")
    for name, text in finished.assignments.items():
        built.spec.parameter_assignments.assignments.add(name=name, value=text)
    built.status.completion_time = end_of(number)
    built.status.condition = api_pb2.TrialStatus.SUCCEEDED
    built.status.observation.metrics.add(name=_METRIC, value=repr(finished.value))
    return built


class Ours:
    """Starts Experiments with ``algorithmName: morphling``."""

    def __init__(self, services: Services) -> None:
        self._stub = services.stub("")

    def start(self, instance: Instance, seed: int, budget: int) -> OursSearch:
        """See ``Method.start``."""
        return OursSearch(self._stub, instance, seed, budget)
