"""The examples: parsed, accepted by the service, rendered, and turned into a pod."""

from pathlib import Path

import pytest

from local_runner import wire
from local_runner.experiment import Experiment
from local_runner.load import load_experiment
from local_runner.machine import load_machine
from local_runner.pod import Pod, pod_of
from local_runner.template import render
from suggestion.designer import suggest
from suggestion.evidence import evidence_of
from suggestion.katib import ExperimentValues, experiment_from_proto
from suggestion.library import SHIPPED, Library
from suggestion.surrogate_choice import SurrogateChooser
from suggestion.trial import Direction

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/local/*/experiment.yaml"))


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.parent.name)
def example(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def accepted(experiment: Experiment) -> ExperimentValues:
    return experiment_from_proto(wire.experiment_to_proto(experiment))


def pods(experiment: Experiment, count: int) -> list[tuple[dict[str, str], Pod]]:
    values = accepted(experiment)
    chooser = SurrogateChooser(Library.load(SHIPPED))
    choice = chooser.choose(values.space, values.objective, values.settings, 1, 0)
    assert choice.search.name == "gp"  # no GPU is shared out here
    found = suggest(choice.search, evidence_of(choice.search.space, [], Direction.MAXIMIZE), count)
    return [
        (
            assignments,
            pod_of(
                experiment,
                render(experiment.spec.trial_template, assignments, "trial-1", "default"),
            ),
        )
        for assignments in found.assignments
    ]


def test_there_are_two():
    assert [path.parent.name for path in EXAMPLES] == ["mlserver", "triton"]


def test_the_space_has_some_hundred_configurations(example: Path):
    assert accepted(load_experiment(example)).space.size == 448


def test_every_assignment_reaches_the_server(example: Path):
    for assignments, pod in pods(load_experiment(example), 8):
        server, load, collector = pod.containers
        assert server.cpu_millicores == 1000 * int(assignments["cpu_cores"])
        text = " ".join([*server.command, *server.args, *server.env.values()])
        for name, value in assignments.items():
            assert name == "cpu_cores" or value in text
        assert f"--cpu-cores={assignments['cpu_cores']}" in load.args
        assert load.mounts == collector.mounts


def test_collector_and_experiment_name_the_same_metrics(example: Path):
    experiment = load_experiment(example)
    _, pod = pods(experiment, 1)[0]
    names = ",".join(experiment.spec.objective.metric_names)
    assert f"--metrics={names}" in pod.containers[-1].args
    path = experiment.spec.metrics_collector_spec.source.file_system_path.path
    for container in pod.containers[1:]:
        assert f"--result={path}" in container.args


def test_this_machine_knows_every_image_and_model(example: Path):
    _, pod = pods(load_experiment(example), 1)[0]
    machine = load_machine(example.with_name("local.yaml"))
    assert pod.containers[0].image in machine.images
    assert pod.containers[0].storage_uri in machine.storage
