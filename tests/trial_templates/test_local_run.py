"""Examples without a GPU under the local runner, with stand-ins for the servers' programs.

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
}


def test_every_runtime_is_run():
    assert {one.runtime.name for one in CPU} == {"mlserver", "triton", "tf-serving"}


@pytest.mark.parametrize("example", CPU, ids=lambda example: example.name)
def test_two_trials(example: Example, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    programs, model = tmp_path / "bin", tmp_path / "model"
    programs.mkdir()
    (model / "model").mkdir(parents=True)
    (model / "model" / "config.pbtxt").write_text('name: "model"\n')
    for name, find in FIND.items():
        program = programs / name
        serve = f"exec {sys.executable} -m tests.fakes.model_server --model=model"
        program.write_text(
            f"#!/bin/sh\nset -e{find}\ntest $batch -ge 1\necho batch=$batch\ncd {ROOT}\n"
            f"{serve} --service-ms=2 --workers=4 --port=$port\n"
        )
        program.chmod(0o755)
    image = example.runtime.image(example.sharing)
    local = {
        "images": {image: {"path": [str(programs)]}},
        "storage": {example.runtime.storage: str(model)},
    }
    (tmp_path / "local.yaml").write_text(yaml.safe_dump(local))
    text = (ROOT / "examples" / example.place).read_text()
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text(text.replace("--profile=quick", "--max-seconds=3"))
    output = tmp_path / "out"
    code = main([str(experiment), f"--output={output}", "--max-trials=2", "--no-live"])
    assert code == 0, capfd.readouterr()
    with (output / "report" / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert len(trials) == 2
    for trial in trials:
        assert trial["condition"] == "Succeeded"
        assert 100 < float(trial["peak_rps"]) < 2500
        cost = 0.2 + 0.02 * int(trial["cpu_cores"])
        assert float(trial["cost"]) == pytest.approx(cost)
        log = output / "trials" / trial["trial"] / "kserve-container.log"
        assert f"batch={trial['max_batch_size']}\n" in log.read_text()
