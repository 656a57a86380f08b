"""The page, as text: what it says, and that it needs nothing from elsewhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiment_report import ExperimentRecord, ParameterInfo, write_report
from experiment_report.page import to_html
from tests.experiment_report.records import REPORT, record, trial
from tests.load_generator.builders import PROBE

TRIALS = (trial(1, 50.0, cost=0.2), trial(2, 90.0), trial(3, None), trial(4, 70.0, cost=0.4))


class Reader(HTMLParser):
    """Collects headings, table rows, and what the page would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        values = dict(attrs)
        self.links += [str(values[name]) for name in ("src", "href") if name in values]
        self.labels += [str(values["aria-label"])] if "aria-label" in values else []
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["h2"]:
            self.headings.append(data)
        elif self.rows and {"td", "button"} & set(self._open[-2:]):
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass


def test_everything_is_there():
    page = Reader(to_html(record(*TRIALS)))
    assert page.headings == [
        "Best configuration",
        "Best so far",
        "Latency against rate, best trial",
        "Each parameter against peak_rps",
        "Peak rate against cost",
        "Where the time went",
        "All trials",
    ]
    assert page.labels == [
        "peak_rps of each trial and the best so far",
        "Latency percentiles against the offered rate of the best trial",
        "Each parameter against peak_rps",
        "Peak request rate against cost, with the Pareto front",
        "Seconds spent in each phase",
    ]
    assert page.rows[2][:6] == ["2", "4", "3", "0.1", "0.5", "90"]
    assert page.rows[3][-1] == "kserve-container ended with exit code 1: out of memory"


def test_it_is_self_contained():
    page = to_html(record(*TRIALS))
    # Only marks inside the plots themselves.
    assert all(link.startswith("#") for link in Reader(page).links)
    assert not re.search(r"@import|url\((?!#)", page)


def test_equal_records_give_equal_pages():
    assert to_html(record(*TRIALS)) == to_html(record(*TRIALS))


def test_names_and_messages_cannot_break_out():
    evil = '<script>alert("x")</script>$\\frac'
    trials = (
        trial(1, 5.0, name=evil, assignments={evil: evil}),
        trial(2, None, message=evil, assignments={evil: "b"}),
    )
    parameters = (ParameterInfo(name=evil, type="categorical", choices=(evil, "b")),)
    page = to_html(record(*trials, name=evil, parameters=parameters, status_message=evil))
    assert page.count("<script>") == 1  # the page's own
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "odd",
    [
        record(),
        record(trial(1, None)),
        record(trial(1, 5.0)),
        record(trial(1, 5.0, load_report=None), phase_seconds={}),
        record(trial(1, 0.0), trial(2, None)),
        record(trial(1, 5.0), trial(2, None, condition="Running", completion_time=None)),
        record(trial(1, -5.0), trial(2, 3.0), direction="minimize", goal=-9.0),
        record(trial(1, 1e-9), trial(2, 1e9)),
        record(trial(1, 5.0), parameters=()),
        record(trial(1, 5.0, assignments={})),
    ],
    ids=range(10),
)
@pytest.mark.filterwarnings("error")
def test_odd_experiments_have_a_page_too(odd: ExperimentRecord, tmp_path: Path):
    path = write_report(odd, tmp_path / "a" / "report")
    assert path.name == "index.html"
    assert "</html>" in path.read_text()
    assert (path.parent / "trials.csv").read_text().startswith("trial,condition")


def test_without_prices_the_page_says_what_is_missing():
    page = to_html(record(trial(1, 5.0, metrics={"peak_rps": 5.0}, load_report=None)))
    assert "Needs prices that differ between configurations" in page


@pytest.mark.parametrize("histogram", ["", "no histogram"])
def test_without_histograms_there_is_no_curve_and_still_a_page(histogram: str):
    report = replace(REPORT, probes=(replace(PROBE, histogram=histogram),))
    headings = Reader(to_html(record(trial(1, 5.0, load_report=report)))).headings
    assert "Latency against rate, best trial" not in headings
    assert "All trials" in headings


def test_a_limited_client_is_told():
    message = "the true peak may be higher"
    assert message not in to_html(record(trial(1, 5.0)))
    limited = trial(1, 5.0, load_report=replace(REPORT, client_limited=1))
    assert message in to_html(record(limited))
