"""Triton's model of this benchmark: it sleeps for a time that depends on the batch only.

Triton's Python backend imports a copy of this file, under the server's own interpreter.
"""

import time
from typing import Any

BASE_SECONDS, ROW_SECONDS = 0.010, 0.001


class TritonPythonModel:
    """What Triton's Python backend looks for."""

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers all requests of a batch with their own input, after the batch's service time."""
        import triton_python_backend_utils as backend  # type: ignore[import-not-found]

        inputs = [backend.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
        time.sleep(BASE_SECONDS + ROW_SECONDS * sum(len(rows) for rows in inputs))
        return [backend.InferenceResponse([backend.Tensor("y", rows)]) for rows in inputs]
