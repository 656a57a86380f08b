"""What the real servers load: one model each, which sleeps, so that no core's speed matters."""

import json
import shutil
from pathlib import Path

MODEL = "sleeper"
_HERE = Path(__file__).parent
_TRITON_CONFIG = f"""\
name: "{MODEL}"
backend: "python"
max_batch_size: 16
dynamic_batching {{ max_queue_delay_microseconds: 5000 }}
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
input [ {{ name: "x" data_type: TYPE_FP32 dims: [ 4 ] }} ]
output [ {{ name: "y" data_type: TYPE_FP32 dims: [ 4 ] }} ]
"""
_MLSERVER_SETTINGS = {
    "name": MODEL,
    "implementation": "mlserver_model.Sleeper",
    "max_batch_size": 16,
    "max_batch_time": 0.04,
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4]}],
}


def write_triton_repository(folder: Path) -> None:
    """Writes a model repository for Triton."""
    version = folder / MODEL / "1"
    version.mkdir(parents=True)
    (folder / MODEL / "config.pbtxt").write_text(_TRITON_CONFIG)
    shutil.copy(_HERE / "triton_model.py", version / "model.py")


def write_mlserver_folder(folder: Path) -> None:
    """Writes a folder with settings and code for MLServer."""
    (folder / "model-settings.json").write_text(json.dumps(_MLSERVER_SETTINGS))
    shutil.copy(_HERE / "mlserver_model.py", folder)
