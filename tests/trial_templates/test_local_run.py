"""Examples under the local runner, with stand-ins for the servers' programs.

Those without a GPU, and one of a language model: the local runner leaves shares of a GPU alone.
Each stand-in finds its settings where the real program would: in flags, files or the environment.
"""

import csv
import sys
from pathlib import Path

import pytest
import yaml

from local_runner.main import main
from trial_templates.examples import EXAMPLES, ROOT, Example

# The batcher is KServe's own agent, which is not here.
CPU = [one for one in EXAMPLES if one.sharing.name == "cpu" and not one.runtime.batcher]
(LANGUAGE_MODEL,) = [one for one in EXAMPLES if one.name == "vllm-hami"]
FIND = {
    "mlserver": """
        test "$1 $2" = "start $(cd .. && pwd)/volumes/kserve-provision-location"
        port=$MLSERVER_HTTP_PORT batch=$MLSERVER_MODEL_MAX_BATCH_SIZE""",
    "tritonserver": """
        for flag; do case $flag in
          --model-repository=*) config=${flag#*=}/model/config.pbtxt ;;
          --http-port=*) port=${flag#*=} ;;
        esac; done
        batch=$(sed -n 's/^max_batch_size: //p' "$config")""",
    "tensorflow_model_server": """
        for flag; do case $flag in
          --batching_parameters_file=*) config=${flag#*=} ;;
          --rest_api_port=*) port=${flag#*=} ;;
        esac; done
        batch=$(sed -n 's/^max_batch_size { value: \\(.*\\) }/\\1/p' "$config")""",
    "vllm": """
        test "$1 $2" = "serve $(cd .. && pwd)/volumes/kserve-provision-location"
        for flag; do case $flag in
          --max-num-seqs=*) batch=${flag#*=} ;;
          --port=*) port=${flag#*=} ;;
        esac; done""",
}
SERVE = {"vllm": "openai_server --ttft-ms=2 --tpot-ms=0.5 --slots=4"}
# Neither a bound nor the end of a test may depend on how fast the machine is.
CHANGES = {
    "--slo-ms=100": "--slo-ms=2000",
    "--profile=quick": "--max-seconds=3",
    "--slo-ttft-ms=1000": "--slo-ttft-ms=2000",
    "--slo-tpot-ms=100": "--slo-tpot-ms=2000",
    "--output-tokens=uniform:16:64": "--output-tokens=fixed:4",
    "--profile=precise": "--max-seconds=3",
}


def test_every_runtime_is_run():
    assert {one.runtime.name for one in CPU} == {"mlserver", "triton", "tf-serving"}


def run_two_trials(
    example: Example, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> list[dict[str, str]]:
    """Runs two trials of an example; returns the rows of the report, and leaves the logs."""
    programs, model = tmp_path / "bin", tmp_path / "model"
    programs.mkdir()
    (model / "model").mkdir(parents=True)
    (model / "model" / "config.pbtxt").write_text('name: "model"\n')
    for name, find in FIND.items():
        program = programs / name
        serve = SERVE.get(name, "model_server --service-ms=2 --workers=4")
        program.write_text(
            f"#!/bin/sh\nset -e{find}\ntest $batch -ge 1\necho batch=$batch\ncd {ROOT}\n"
            f"exec {sys.executable} -m tests.fakes.{serve} --model=model --port=$port\n"
        )
        program.chmod(0o755)
    image = example.runtime.image(example.sharing)
    local = {
        "images": {image: {"path": [str(programs)]}},
        "storage": {example.runtime.storage: str(model)},
    }
    (tmp_path / "local.yaml").write_text(yaml.safe_dump(local))
    text = (ROOT / "examples" / example.place).read_text()
    for given, changed in CHANGES.items():
        text = text.replace(given, changed)
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text(text)
    output = tmp_path / "out"
    code = main([str(experiment), f"--output={output}", "--max-trials=2", "--no-live"])
    assert code == 0, capfd.readouterr()
    with (output / "report" / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert [trial["condition"] for trial in trials] == ["Succeeded", "Succeeded"]
    for trial in trials:
        log = output / "trials" / trial["trial"] / "kserve-container.log"
        batch = trial.get("max_batch_size") or trial["max_num_seqs"]
        assert f"batch={batch}\n" in log.read_text()
    return trials


@pytest.mark.parametrize("example", CPU, ids=lambda example: example.name)
def test_two_trials(example: Example, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    for trial in run_two_trials(example, tmp_path, capfd):
        assert 0 < float(trial["peak_rps"]) < 2500
        cost = 0.2 + 0.02 * int(trial["cpu_cores"])
        assert float(trial["cost"]) == pytest.approx(cost)


def test_two_trials_of_a_language_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    for trial in run_two_trials(LANGUAGE_MODEL, tmp_path, capfd):
        # Four at a time, (2 + 3 * 0.5) ms each, of four tokens: 1143 a second; within a test of a
        # second a queue need not have grown by an SLO.
        assert 0 < float(trial["peak_rps"]) < 2 * 1143
        assert float(trial["output_tokens_per_second"]) > 0
        assert float(trial["ttft_p99_ms"]) > 2
        assert float(trial["tpot_p99_ms"]) > 0
        shares = int(trial["gpu_memory_percent"]) + int(trial["gpu_time_percent"])
        cost = 0.2 + 0.02 * int(trial["cpu_cores"]) + 0.2 * shares / 100
        assert float(trial["cost"]) == pytest.approx(cost)
