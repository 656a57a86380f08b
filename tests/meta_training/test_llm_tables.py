"""Rates within the SLOs from estimates, and the shipped tables; the estimator itself is faked."""

from collections.abc import Sequence
from importlib.resources import as_file, files

import numpy as np
import pytest

from meta_training.llm_rates import BATCHES, Estimate, Workload, rates_by_batch
from meta_training.llm_tables import GPU_PRICES, KNOBS, MODELS, build_tables
from meta_training.profile_table import ProfileTable, read_profile_tables

CHAT = Workload(1000, 100, ttft_ms=500, tpot_ms=20, prefills=(1000, 4000))


class LinearServer:
    """A batch of b takes b milliseconds a token; no more than ``most`` requests fit."""

    def __init__(self, most: int, speed: float = 1.0) -> None:
        self.most, self.speed = most, speed
        self.asked: list[tuple[int, int]] = []

    def estimate(self, workload: Workload, batch: int, prefill: int) -> Estimate | None:
        self.asked.append((batch, prefill))
        if batch > self.most:
            return None
        return Estimate(self.speed * batch, ttft_ms=prefill / 10, tpot_ms=float(batch))


def test_rates_end_where_an_slo_or_the_memory_does():
    assert BATCHES[:4] == (2, 4, 8, 16)
    assert rates_by_batch([LinearServer(64)], CHAT, False).tolist() == [2, 4, 8, 16, 0, 0, 0, 0, 0]
    assert rates_by_batch([LinearServer(8)], CHAT, False).tolist() == [2, 4, 8, 0, 0, 0, 0, 0, 0]


def test_a_cap_falls_back_to_the_best_smaller_batch():
    capped = rates_by_batch([LinearServer(64)], CHAT, True)
    assert capped.tolist() == [2, 4, 8, 16, 16, 16, 0, 0, 0]


def test_the_best_server_counts_and_none_is_none():
    servers = [LinearServer(64), LinearServer(4, speed=3.0)]
    assert rates_by_batch(servers, CHAT, False)[:4].tolist() == [6, 12, 8, 16]
    assert not rates_by_batch([], CHAT, True).any()


def test_a_step_prefills_at_most_half_of_the_prompts():
    server = LinearServer(512)
    rates_by_batch([server], CHAT, False)
    assert server.asked[:4] == [(2, 1000), (4, 1000), (8, 1000), (8, 4000)]


def test_tables_of_a_model_have_the_grid_and_prices_of_the_shipped_ones():
    def servers_of(
        model: str, gpu: str, tp: int, dtype: str, backend: str
    ) -> Sequence[LinearServer]:
        assert model == "Qwen/Qwen3-8B"
        return [] if (gpu, dtype) == ("A100-80G", "fp8") else [LinearServer(8 * tp)]

    tables = build_tables("Qwen3-8B", servers_of, False)
    assert [table.service for table in tables] == [f"Qwen3-8B/{w}" for w in ("chat", "gen", "rag")]
    chat = tables[0]
    assert chat.family == "Qwen3"
    assert chat.rps.shape == (5, 4, 2, 3, 9)
    assert chat.rps[0, 0, 0, 0].tolist() == [2, 4, 8, 0, 0, 0, 0, 0, 0]
    assert not chat.rps[1, :, 1].any()
    assert chat.price is not None
    assert chat.price[0, 1, 0, 0, 0] == 2 * GPU_PRICES["L40S"]


def shipped(name: str) -> list[ProfileTable]:
    with as_file(files("meta_training") / "tables" / name) as path:
        return read_profile_tables(path)


@pytest.fixture(scope="module")
def tables() -> list[ProfileTable]:
    return shipped("llm.parquet")


def test_shipped_tables_cover_every_model_and_workload(tables: list[ProfileTable]):
    assert {(t.family, t.service.split("/")[0]) for t in tables} == {
        (family, name) for name, (family, _) in MODELS.items()
    }
    assert len(tables) == 3 * len(MODELS) == 84
    assert all(table.knobs == KNOBS for table in tables)


def test_shipped_prices_are_those_of_the_cards(tables: list[ProfileTable]):
    prices = np.outer(list(GPU_PRICES.values()), [1, 2, 4, 8])
    for table in tables:
        assert table.price is not None
        assert table.price == pytest.approx(
            np.broadcast_to(prices[..., None, None, None], table.price.shape)
        )


def test_a_cap_is_the_best_smaller_batch_where_the_server_starts(tables: list[ProfileTable]):
    for table, capped in zip(tables, shipped("llm_cap.parquet"), strict=True):
        best = np.maximum.accumulate(table.rps, axis=-1)
        starts = capped.rps > 0
        assert capped.rps[starts] == pytest.approx(best[starts])
        assert (starts | (table.rps == 0)).all()
