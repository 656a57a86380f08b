"""The worlds in which searches are compared: each service with the objective of its whole space."""

import itertools
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files

import numpy as np

from benchmarks.search_cost.case import Array, Case
from benchmarks.search_cost.reality import (
    Reality,
    hard_reality,
    off_reality,
    ordinary_reality,
    real_rps,
)
from benchmarks.search_cost.services import Service, production_service, published_models
from meta_training.profile_table import ProfileTable, read_profile_tables
from suggestion.gpu import GPUS
from suggestion.serving_simulator import Configurations

Parameters = Mapping[str, tuple[str, ...]]

# The Morphling paper's spaces: open-source models (720 configurations), production services (100).
OPEN_SOURCE: Parameters = {
    "cpu_cores": ("1", "2", "3", "4", "5"),
    "gpu_memory_percent": ("5", "10", "15", "20", "30", "40"),
    "batch_size": ("1", "2", "4", "8", "16", "32", "64", "128"),
    "gpu_type": ("T4", "V100", "M60"),
}
PRODUCTION: Parameters = {
    "cpu_cores": ("2", "4", "6", "8"),
    "gpu_memory_percent": ("12.5", "25", "37.5", "50", "62.5"),
    "gpu_time_percent": ("20", "40", "60", "80", "100"),
}
_OPEN_SOURCE_CORNERS: Parameters = {
    "cpu_cores": ("1", "5"),
    "gpu_memory_percent": ("5", "40"),
    "batch_size": ("1", "128"),
    "gpu_type": ("T4",),
}
_PRODUCTION_CORNERS: Parameters = {
    "cpu_cores": ("2", "8"),
    "gpu_memory_percent": ("12.5", "62.5"),
    "gpu_time_percent": ("20",),
}
_KINDS = {"gpu_type": "categorical", "gpu": "categorical", "dtype": "categorical"}
_KINDS |= {"backend": "categorical"}
_BATCH_OF_PRODUCTION = 8.0
_NUM_PRODUCTION = 30


def open_source_cases(
    objective: int, hard_seed: int | None = None, off_seed: int | None = None
) -> list[Case]:
    """The 42 published models on the space of 720, initial points as in the paper.

    Args:
        objective: 1: rate for the cost of cores and GPU memory; 2: of GPU memory alone; 3: rate.
        hard_seed: Which hard reality, see ``hard_reality``; None: an easier one.
        off_seed: Which reality with the constants of the cards off, see ``off_reality``.
    """
    if objective not in (1, 2, 3):
        raise ValueError(f"objective must be 1, 2 or 3, but got {objective}.")
    if hard_seed is not None:
        reality, world, draw = hard_reality(hard_seed), "open-source-hard", f"/draw{hard_seed}"
    elif off_seed is not None:
        reality, world, draw = off_reality(off_seed), "open-source-off", f"/draw{off_seed}"
    else:
        reality, world, draw = ordinary_reality(), "open-source", ""
    at = configurations(OPEN_SOURCE)
    cost = 0.2 + at.of_gpu("price") * at.memory_share
    divisor = {1: cost + 0.02 * at.cpu_cores, 2: cost, 3: np.ones(len(cost))}[objective]
    prices = {"price_base": "0.2", "price_gpu_memory": "T4:0.4,V100:2.6,M60:0.4"}
    prices |= {"price_per_core": "0.02"} if objective == 1 else {}
    return [
        Case(
            name=f"{world}/{service.name}/objective{objective}{draw}",
            world=world,
            service=service.name,
            family=service.family,
            parameters=OPEN_SOURCE,
            kinds={**_kinds(OPEN_SOURCE), "cpu_cores": "int"},
            values=_rates(service, at, reality) / divisor,
            prices=prices if objective < 3 else {},
            initial_points=_indices(OPEN_SOURCE, _OPEN_SOURCE_CORNERS),
        )
        for service in published_models()
    ]


def production_cases(seed: int) -> list[Case]:
    """30 random production services on the space of 100: rate for the cost on a shared T4.

    The price of the card, 0.4, is split between memory and time share.
    """
    at = configurations(PRODUCTION)
    cost = 0.2 + 0.2 * at.memory_share + 0.2 * at.time_share + 0.02 * at.cpu_cores
    rng = np.random.default_rng([seed, 100])
    cases: list[Case] = []
    while len(cases) < _NUM_PRODUCTION:
        service = production_service(rng, len(cases))
        rates = _rates(service, at, ordinary_reality(seed))
        if (rates > 0).mean() < 0.2:
            continue  # nobody would have put it on a share of a T4
        cases.append(
            Case(
                name=f"production/{service.name}/draw{seed}",
                world="production",
                service=service.name,
                family=service.family,
                parameters=PRODUCTION,
                kinds={**_kinds(PRODUCTION)},
                values=rates / cost,
                prices={
                    "price_base": "0.2",
                    "price_per_core": "0.02",
                    "price_gpu_memory": "0.2",
                    "price_gpu_time": "0.2",
                },
                initial_points=_indices(PRODUCTION, _PRODUCTION_CORNERS),
            )
        )
    return cases


def llm_cases(objective: str) -> list[Case]:
    """Serving of 28 LLMs under 3 workloads, from the tables that ``meta_training`` holds.

    Args:
        objective: ``rps``; ``req_per_usd``, requests for a dollar of the cards' price; or
            ``req_per_usd_cap``, where ``max_batch`` is an upper bound that the server need not use.
    """
    objectives = ("req_per_usd", "req_per_usd_cap", "rps")
    if objective not in objectives:
        raise ValueError(f"objective must be one of {', '.join(objectives)}, but got {objective}.")
    name = "llm_cap.parquet" if objective == "req_per_usd_cap" else "llm.parquet"
    with as_file(files("meta_training") / "tables" / name) as path:
        return [_llm_case(table, objective) for table in read_profile_tables(path)]


def split(
    cases: Sequence[Case], training: int = 10, seed: int = 0
) -> tuple[list[Case], list[Case]]:
    """Splits cases by service into training and test ones.

    The paper trains on 10 of its 42 open-source models and on 5 of its 30 production services.
    """
    services = sorted({case.service for case in cases})
    chosen = set(np.random.default_rng([seed, 10]).permutation(services)[:training])
    return (
        [case for case in cases if case.service in chosen],
        [case for case in cases if case.service not in chosen],
    )


def configurations(parameters: Parameters) -> Configurations:
    """Every configuration for the simulator; knobs that are left out are fixed as in the paper."""
    grid = list(itertools.product(*parameters.values()))
    columns = dict(zip(parameters, zip(*grid, strict=True), strict=True))

    def numbers(name: str, otherwise: float) -> Array:
        return np.array(columns.get(name, [otherwise] * len(grid)), dtype=np.float64)

    return Configurations(
        cpu_cores=numbers("cpu_cores", 1),
        batch_size=numbers("batch_size", _BATCH_OF_PRODUCTION),
        memory_share=numbers("gpu_memory_percent", 100) / 100,
        time_share=numbers("gpu_time_percent", 100) / 100,
        gpus=tuple(GPUS[name] for name in columns.get("gpu_type", ["T4"] * len(grid))),
    )


def _rates(service: Service, at: Configurations, reality: Reality) -> Array:
    return real_rps(service.name, service.parameters, at, reality)


def _kinds(parameters: Parameters) -> dict[str, str]:
    return {name: _KINDS.get(name, "discrete") for name in parameters}


def _indices(parameters: Parameters, corners: Parameters) -> tuple[int, ...]:
    """Positions of every combination of ``corners`` in the order of ``Case.values``."""
    shape = [len(levels) for levels in parameters.values()]
    axes = [[levels.index(at) for at in corners[name]] for name, levels in parameters.items()]
    return tuple(int(np.ravel_multi_index(p, shape)) for p in itertools.product(*axes))


def _llm_case(table: ProfileTable, objective: str) -> Case:
    values, prices = table.rps.ravel(), {}
    if objective != "rps":
        assert table.price is not None  # a test holds the tables to it
        values = values * 3600 / table.price.ravel()
        one_card = table.price[:, 0, 0, 0, 0]  # the price goes with the number of cards alone
        pairs = zip(table.knobs["gpu"], one_card, strict=True)
        prices = {"price_gpu": ",".join(f"{gpu}:{price:.6g}" for gpu, price in pairs)}
    return Case(
        name=f"llm/{table.service}/{objective}",
        world="llm",
        service=table.service,
        family=table.family,
        parameters=table.knobs,
        kinds=_kinds(table.knobs),
        values=values,
        prices=prices,
    )
