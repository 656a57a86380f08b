"""Triton Python backend: a forest that answers all requests of a batch in one call."""

from pathlib import Path

import joblib
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Triton makes one object for each instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the forest from the folder of the model's version."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._forest = joblib.load(folder / "forest.joblib")

    def execute(self, requests: list) -> list:
        """Classifies the rows of all requests together."""
        rows = [pb_utils.get_input_tensor_by_name(r, "pixels").as_numpy() for r in requests]
        digits = self._forest.predict(np.concatenate(rows)).astype(np.int32)[:, None]
        answers = np.split(digits, np.cumsum([len(part) for part in rows])[:-1])
        return [pb_utils.InferenceResponse([pb_utils.Tensor("digit", part)]) for part in answers]
