"""The result file: what is written is read again, and what is broken is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_generator.cost import Cost
from load_generator.report import ReportError, from_json, read, to_json, write
from tests.load_generator.builders import INFEASIBLE, REPORT


@pytest.mark.parametrize("report", [REPORT, INFEASIBLE, replace(REPORT, cost=None, probes=())])
def test_round_trip(report, tmp_path: Path):
    path = tmp_path / "result.json"
    write(report, path)
    assert read(path) == report
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_the_file_holds_the_documented_fields():
    fields = json.loads(to_json(REPORT))
    assert fields["schema_version"] == 2
    assert set(fields) >= {
        "peak_rps",
        "peak_rps_low",
        "peak_rps_high",
        "feasible",
        "reason",
        "client_limited",
        "latency_p50_ms",
        "latency_p90_ms",
        "latency_p99_ms",
        "error_rate",
        "saturation_rps",
        "seconds",
        "cost",
        "rps_per_dollar",
        "probes",
    }


def test_every_field_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "result-file.md").read_text()
    fields = json.loads(to_json(REPORT))
    for name in [*fields, *fields["probes"][0]]:
        assert f"| `{name}` |" in text, name


def test_metrics_are_the_numbers():
    metrics = REPORT.metrics()
    assert metrics["peak_rps"] == 100.0
    assert metrics["feasible"] == 1.0
    assert "reason" not in metrics
    assert "latency_p99_ms" not in INFEASIBLE.metrics()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peak_rps": "fast"}, "peak_rps must be"),
        ({"peak_rps": True}, "peak_rps must be"),
        ({"feasible": 1.5}, "feasible must be"),
        ({"probes": {}}, "probes must be a list of objects"),
        ({"probes": [{"kind": "rate"}]}, "probes[0]."),
        ({"schema_version": 1}, "schema_version must be 2, but got 1"),
        ({"colour": "red"}, "colour is not a field of schema 2"),
        ({"peak_rps": float("nan")}, "peak_rps must be"),
    ],
)
def test_broken_files_are_refused(change: dict[str, object], message: str):
    fields = json.loads(to_json(REPORT)) | change
    with pytest.raises(ReportError) as caught:
        from_json(json.dumps(fields))
    assert message in str(caught.value)


def test_a_missing_field_is_named():
    fields = json.loads(to_json(REPORT))
    del fields["reason"]
    with pytest.raises(ReportError, match="reason must be present, but is missing"):
        from_json(json.dumps(fields))


@given(text=st.one_of(st.text(max_size=60), st.just(to_json(REPORT)).map(lambda t: t[:-40])))
def test_any_text_is_read_or_refused(text: str):
    with pytest.raises(ReportError):
        from_json(text)


def test_a_binary_file_is_refused(tmp_path: Path):
    path = tmp_path / "result.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReportError, match="must be UTF-8"):
        read(path)


@pytest.mark.parametrize(
    ("cost", "total"),
    [
        # Eq. 7 of the paper with a T4: 0.2 + 0.4 * 20 % + 0.02 * 4.
        (Cost(price_base=0.2, price_gpu_memory=0.4, gpu_memory_percent=20,
              price_per_core=0.02, cpu_cores=4), 0.36),
        # Section 6.1, second objective: no CPU term; a V100 at 2.6.
        (Cost(price_base=0.2, price_gpu_memory=2.6, gpu_memory_percent=10), 0.46),
        # Section 6.2: the T4's price split into memory and time.
        (Cost(price_base=0.2, price_gpu_memory=0.2, gpu_memory_percent=50,
              price_gpu_time=0.2, gpu_time_percent=60, price_per_core=0.02, cpu_cores=2), 0.46),
        (Cost(cpu_cores=4, gpu_memory_percent=50), None),
    ],
)  # fmt: skip
def test_cost_models_of_the_paper(cost: Cost, total: float | None):
    assert cost.total() == pytest.approx(total)


@pytest.mark.parametrize(
    ("name", "value"),
    [("cpu_cores", -1.0), ("gpu_memory_percent", 101.0), ("price_base", float("inf"))],
)
def test_prices_and_shares_have_limits(name: str, value: float):
    with pytest.raises(ValueError, match=rf"0 <= --{name.replace('_', '-')} <= .* must hold"):
        Cost(**{name: value})
