"""What became of one request."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client saw of one request.

    Attributes:
        error: What went wrong; empty when the answer was complete and correct.
        ttft_seconds: From sending to the first token; NaN unless the answer was streamed.
        tpot_seconds: Mean time per output token after the first; NaN with fewer than two.
        output_tokens: Tokens that were generated; 0 unless the answer was streamed.
    """

    error: str = ""
    ttft_seconds: float = math.nan
    tpot_seconds: float = math.nan
    output_tokens: int = 0


GOOD = Answer()
