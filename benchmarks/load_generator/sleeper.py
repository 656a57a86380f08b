"""Triton's model of this benchmark: it sleeps for a time that depends on the batch only.

``write_repository`` makes the model repository; the rest is read by Triton's Python backend from a
copy of this file, under the server's own interpreter.
"""

import shutil
import time
from pathlib import Path
from typing import Any

BASE_SECONDS, ROW_SECONDS = 0.010, 0.001
_CONFIG = """\
name: "sleeper"
backend: "python"
max_batch_size: 16
dynamic_batching { max_queue_delay_microseconds: 5000 }
instance_group [ { kind: KIND_CPU count: 1 } ]
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 4 ] } ]
"""


def write_repository(folder: Path) -> None:
    """Writes a model repository with the model ``sleeper``."""
    version = folder / "sleeper" / "1"
    version.mkdir(parents=True)
    (folder / "sleeper" / "config.pbtxt").write_text(_CONFIG)
    shutil.copy(__file__, version / "model.py")


class TritonPythonModel:
    """What Triton's Python backend looks for."""

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers all requests of a batch with their own input, after the batch's service time."""
        import triton_python_backend_utils as backend  # type: ignore[import-not-found]

        inputs = [backend.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
        time.sleep(BASE_SECONDS + ROW_SECONDS * sum(len(rows) for rows in inputs))
        return [backend.InferenceResponse([backend.Tensor("y", rows)]) for rows in inputs]
