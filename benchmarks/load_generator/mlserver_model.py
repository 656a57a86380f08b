"""MLServer's model of this benchmark: it sleeps for a time that depends on the batch only.

MLServer imports a copy of this file, under its own interpreter.
"""

import time

from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.types import (  # type: ignore[import-not-found]
    InferenceRequest,
    InferenceResponse,
    ResponseOutput,
)

BASE_SECONDS, ROW_SECONDS = 0.016, 0.005


class Sleeper(MLModel):  # type: ignore[misc]
    """Answers all requests of a batch with their own input, after the batch's service time."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Sleeps in the worker's only thread, so that it serves one batch at a time."""
        (rows,) = payload.inputs
        time.sleep(BASE_SECONDS + ROW_SECONDS * rows.shape[0])
        answer = ResponseOutput(name="y", shape=rows.shape, datatype=rows.datatype, data=rows.data)
        return InferenceResponse(model_name=self.name, outputs=[answer])
