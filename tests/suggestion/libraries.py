"""Small libraries and spaces over canonical knobs."""

import numpy as np

from meta_training.build_library import build_library
from meta_training.profile_table import ProfileTable
from protos.katib import api_pb2
from suggestion.katib import experiment_from_proto
from suggestion.library import Library
from suggestion.search_space import SearchSpace
from tests.suggestion.experiments import experiment, parameter

SERVING = (
    parameter("cpu_cores", "INT", low="1", high="5"),
    parameter("gpu_memory_percent", "DISCRETE", values=["5", "10", "20", "40"]),
    parameter("batch_size", "DISCRETE", values=["1", "4", "16", "64"]),
    parameter("gpu_type", "CATEGORICAL", values=["T4", "V100"]),
)


def space(*parameters: api_pb2.ParameterSpec) -> SearchSpace:
    return experiment_from_proto(experiment(*parameters)).space


SERVING_SPACE = space(*SERVING)


def simulated(num_services: int = 300) -> Library:
    return build_library(0, [], num_services)


def table(service: str, scale: float, favourite: int) -> ProfileTable:
    """A rate that peaks at one of four engines, and grows with the batch until 8 of 16 fits."""
    batch = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    engine = np.array([1.0 + (index == favourite) for index in range(4)])
    rps = scale * engine[:, None] * batch[None] ** 0.5
    rps[:, 4] = 0
    return ProfileTable(
        service=service,
        family=service,
        knobs={"backend": ("a", "b", "c", "d"), "max_batch": ("1", "2", "4", "8", "16")},
        rps=rps,
    )


def tabled() -> Library:
    """Services that agree about batches and each favour another of the first three engines."""
    return build_library(0, [table(f"s{i}", 10.0**i, i % 3) for i in range(6)], 0)
