"""The plot, read back from the picture it makes."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from load_generator.curve_plot import save
from load_generator.report import LoadReport, ReportError
from tests.load_generator.builders import INFEASIBLE, REPORT
from tests.load_generator.results import report_with

CURVE = report_with((80.0, 10.0), (100.0, 20.0), (120.0, 80.0))


def svg_of(path: Path, *reports: LoadReport) -> str:
    """Draws reports named a, b, ... with their words left as text, and returns the picture."""
    named = [(name, report) for name, report in zip("abcdefghijk", reports, strict=False)]
    with mpl.rc_context({"svg.fonttype": "none"}):
        save(named, path)
    return path.read_text()


def words_of(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")]


def test_one_report_in_full(tmp_path: Path):
    words = words_of(svg_of(tmp_path / "curve.svg", CURVE))
    assert "m, v2-rest, SLO p99 ≤ 50 ms" in words
    assert {
        "p50", "p90", "p99", "misses the SLO", "SLO ≤ 50 ms", "peak 100 rps (95 to 104)",
        "saturation 120 rps", "offered rate (requests/s)", "latency (ms)",
    } <= set(words)  # fmt: skip


def test_a_long_title_takes_several_lines(tmp_path: Path):
    words = words_of(svg_of(tmp_path / "curve.svg", replace(CURVE, model="a model " * 20)))
    assert words.count("a model " * 11 + "a") == 1
    assert max(map(len, words)) <= 90


def test_the_bounded_percentile_is_drawn_too(tmp_path: Path):
    words = words_of(svg_of(tmp_path / "curve.svg", replace(CURVE, slo_percentile=95.0)))
    assert {"p50", "p90", "p95", "p99"} <= set(words)


def test_the_verdicts_are_marked(tmp_path: Path):
    good = report_with((80.0, 10.0), (100.0, 20.0))
    assert "misses the SLO" not in words_of(svg_of(tmp_path / "good.svg", good))


def test_several_reports_in_one_figure(tmp_path: Path):
    other = report_with((90.0, 12.0), (130.0, 30.0))
    none = replace(INFEASIBLE, probes=report_with((10.0, 900.0)).probes)
    words = words_of(svg_of(tmp_path / "curve.svg", CURVE, other, none))
    assert "p99 latency, m, v2-rest" in words
    assert {"a: peak 100 rps", "b: peak 100 rps", "c: infeasible", "SLO 50 ms"} <= set(words)
    assert "p50" not in words


def streamed(*ttft_ms: float, **changes: object) -> LoadReport:
    curve = replace(CURVE, slo_ms=None, slo_ttft_ms=70.0, slo_tpot_ms=8.0, **changes)
    probes = [
        replace(probe, ttft_p50_ms=ttft / 2, ttft_p99_ms=ttft, tpot_p50_ms=4.0, tpot_p99_ms=5.0)
        for probe, ttft in zip(curve.probes, ttft_ms, strict=True)
    ]
    return replace(curve, probes=tuple(probes))


def test_streamed_answers_have_their_token_times_below(tmp_path: Path):
    plain = svg_of(tmp_path / "plain.svg", CURVE)
    svg = svg_of(tmp_path / "curve.svg", streamed(20.0, 40.0, 90.0))
    assert {"TTFT (ms)", "TPOT (ms)", "SLO p99 ≤ 70 ms", "SLO p99 ≤ 8 ms"} <= set(words_of(svg))
    assert "TTFT (ms)" not in words_of(plain)
    assert height_of(svg) > 1.5 * height_of(plain)


def test_token_times_of_several_reports_share_their_axes(tmp_path: Path):
    one, other = streamed(20.0, 40.0, 90.0), streamed(30.0, 35.0, 60.0)
    words = words_of(svg_of(tmp_path / "curve.svg", one, other, CURVE))
    assert words.count("TTFT (ms)") == words.count("SLO 70 ms") == 1


def height_of(svg: str) -> float:
    return float(ElementTree.fromstring(svg).attrib["height"].removesuffix("pt"))


def test_a_wide_range_gets_a_logarithmic_axis(tmp_path: Path):
    narrow = report_with((80.0, 30.0), (100.0, 60.0))
    wide = report_with((80.0, 1.0), (100.0, 5000.0))
    assert "0" in words_of(svg_of(tmp_path / "narrow.svg", narrow))
    ticks = words_of(svg_of(tmp_path / "wide.svg", wide))
    assert {"1", "10", "100", "1000"} <= set(ticks)
    assert "0" not in ticks


def test_odd_names_are_drawn_as_they_are(tmp_path: Path):
    odd = replace(CURVE, model="_a$b^{c$<&>")
    page = tmp_path / "curve.html"
    save([("_x$y", odd), ("z", CURVE)], page)
    assert "_x$y: _a$b^{c$&lt;&amp;&gt; v2-rest" in page.read_text()
    assert "a$b^{c$<&>, v2-rest, SLO p99 ≤ 50 ms" in words_of(svg_of(tmp_path / "odd.svg", odd))


def test_a_page_holds_figure_and_numbers(tmp_path: Path):
    page = tmp_path / "curve.html"
    save([("a", CURVE)], page)
    text = page.read_text()
    assert text.count("<svg") == 1
    assert "http" not in re.sub(r'(xmlns|xmlns:\w+)="[^"]+"', "", text.split("<body>")[1]).replace(
        "http://www.w3.org", ""
    ).replace("http://purl.org", "").replace("http://creativecommons.org", "")
    row = "".join(f"<td>{cell}</td>" for cell in ("80.0", "10.0", "10.0", "10.0", "100", "0"))
    assert row in text


def test_a_picture_is_as_wide_as_it_should_be(tmp_path: Path):
    path = tmp_path / "curve.png"
    save([("a", CURVE)], path)
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20], "big") == 1350


def test_the_same_report_gives_the_same_picture(tmp_path: Path):
    for name in ("a", "b"):
        save([("x", CURVE)], tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_nothing_to_draw_is_said(tmp_path: Path):
    with pytest.raises(ReportError, match="A curve needs an open-loop probe"):
        save([("a", replace(REPORT, probes=()))], tmp_path / "curve.png")
    assert list(tmp_path.iterdir()) == []
