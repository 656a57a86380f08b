"""Rates of an LLM server within its latency SLOs, from estimates of single batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from meta_training.profile_table import Array

BATCHES = (2, 4, 8, 16, 32, 64, 128, 256, 512)


class UnknownModelError(Exception):
    """The estimator finds no description of a model."""


@dataclass(frozen=True)
class Workload:
    """A kind of requests.

    Attributes:
        input_tokens: Length of a prompt.
        output_tokens: Length of an answer.
        ttft_ms: SLO of the time to the first token.
        tpot_ms: SLO of the time per further token.
        prefills: Prompt tokens of one engine step that are tried.
    """

    input_tokens: int
    output_tokens: int
    ttft_ms: float
    tpot_ms: float
    prefills: tuple[int, ...]


WORKLOADS = {
    "chat": Workload(1024, 256, 1000, 40, (1024, 2048, 4096, 8192)),
    "gen": Workload(256, 1024, 500, 25, (256, 512, 1024, 2048)),
    "rag": Workload(4096, 256, 3000, 50, (4096, 8192, 16384)),
}


@dataclass(frozen=True)
class Estimate:
    """What a server does with a batch.

    Attributes:
        rps: Requests/s.
        ttft_ms: Time to the first token.
        tpot_ms: Time per further token.
    """

    rps: float
    ttft_ms: float
    tpot_ms: float


class Server(Protocol):
    """One way to run a model on some cards."""

    def estimate(self, workload: Workload, batch: int, prefill: int) -> Estimate | None:
        """Continuous batching of ``batch`` requests; None where they do not fit, or data lacks.

        Args:
            workload: Lengths of prompt and answer.
            batch: Requests in progress.
            prefill: Prompt tokens of one engine step.
        """
        ...


def rates_by_batch(servers: Sequence[Server], workload: Workload, is_cap: bool) -> Array:
    """Requests/s within the SLOs for each of ``BATCHES``, the best server and prefill taken.

    Args:
        servers: Ways to run the model; none where nothing supports it.
        workload: Lengths and SLOs.
        is_cap: The batch is an upper bound: where it would miss an SLO, a smaller one is run,
            provided that the server starts with memory for the larger.
    """
    rates, best = [], 0.0
    for batch in BATCHES:
        # A step that prefills more than half of the prompts leaves little to decode beside them.
        largest = batch // 2 * workload.input_tokens
        prefills = [prefill for prefill in workload.prefills if prefill <= largest]
        estimates = [
            estimate
            for server in servers
            for prefill in prefills
            if (estimate := server.estimate(workload, batch, prefill))
        ]
        rate = max((e.rps for e in estimates if _meets_slo(e, workload)), default=0.0)
        best = max(best, rate)
        rates.append(best if is_cap and estimates else rate)
    return np.array(rates)


def _meets_slo(estimate: Estimate, workload: Workload) -> bool:
    return estimate.ttft_ms <= workload.ttft_ms and estimate.tpot_ms <= workload.tpot_ms
