"""Builds the library of the suggestion service: simulated services, and profile tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from meta_training.prior import draw_service
from meta_training.profile_table import ProfileTable
from suggestion.knobs import canonical
from suggestion.library import FIELDS, Library, TableGroup
from suggestion.table_warping import completed

Grid = tuple[tuple[str, tuple[str, ...]], ...]
NUM_SIMULATED = 6000
# Bounds on the 99th percentile of latency that services have, from interactive to patient.
_SLO_SECONDS = (0.05, 2.0)
_PAPER_SLO, _PAPER_SHARE = 1.0, 0.5


def build_library(
    seed: int, tables: Sequence[ProfileTable], num_simulated: int = NUM_SIMULATED
) -> Library:
    """Draws the simulated services and groups the tables by their grids.

    Args:
        seed: Decides everything random; equal seeds and tables give an equal library.
        tables: Services to learn from.
        num_simulated: How many services to simulate, at least 0.

    Raises:
        ValueError: two knobs of a table are one canonical knob, or a service runs nowhere.
    """
    rng = np.random.default_rng(seed)
    simulated = np.array(
        [astuple(draw_service(rng, _slo_seconds(rng))) for _ in range(num_simulated)],
        dtype=np.float32,
    )
    groups: dict[Grid, list[ProfileTable]] = {}
    for table in tables:
        groups.setdefault(tuple(_canonical_knobs(table).items()), []).append(table)
    return Library(
        simulated.reshape(num_simulated, len(FIELDS)),
        tuple(_group(dict(grid), members) for grid, members in groups.items()),
    )


def _slo_seconds(rng: np.random.Generator) -> float:
    if rng.random() < _PAPER_SHARE:
        return _PAPER_SLO
    return float(np.exp(rng.uniform(*np.log(_SLO_SECONDS))))


def _canonical_knobs(table: ProfileTable) -> dict[str, tuple[str, ...]]:
    knobs = {canonical(name): levels for name, levels in table.knobs.items()}
    if len(knobs) < len(table.knobs):
        raise ValueError(
            f"The knobs of a table must differ, but {list(table.knobs)} of {table.service} mean "
            f"{list(knobs)}."
        )
    return knobs


def _group(knobs: Mapping[str, tuple[str, ...]], tables: Sequence[ProfileTable]) -> TableGroup:
    for table in tables:
        if not (table.rps > 0).any():
            raise ValueError(f"A service must run somewhere, but {table.service} has rps 0 only.")
    rps = np.stack([table.rps.ravel() for table in tables])
    return TableGroup(knobs, completed(rps), _price(table.price for table in tables))


def _price(prices: Iterable[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    """The first known price: what differs between tables is drawn when they are used."""
    return next((price.ravel() for price in prices if price is not None), None)
