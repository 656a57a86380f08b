"""Progress on the terminal and over HTTP."""

import io
import os
import re
import socket
import urllib.request
from dataclasses import replace

import pytest
from rich.console import Console

from load_generator.progress import Progress, render
from load_generator.snapshot import Snapshot
from tests.load_generator.builders import INFEASIBLE, PROBE, REPORT
from tests.load_generator.test_command_line import unused_port

RUNNING = Snapshot(
    phase="rate", offered_rps=120.0, seconds=3.2, num_sent=300, num_open=12, num_done=288,
    num_violations=9, p99_ms=38.2,
)  # fmt: skip


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        text: bytes = response.read()
    return text.decode()


def values(port: int) -> dict[str, float]:
    found = re.findall(r"^(load_test_\w+)(?:\{.*\})? (\S+)$", page(port), re.M)
    return {name: float(value) for name, value in found}


def phase(port: int) -> list[str]:
    return re.findall(r'^load_test_phase\{load_test_phase="(\w+)"\} 1\.0$', page(port), re.M)


def test_gauges_follow_the_load_test():
    port = unused_port()
    with Progress(port) as progress:
        assert phase(port) == ["waiting"]
        progress.snapshot(RUNNING)
        assert phase(port) == ["rate"]
        found = values(port)
        assert found["load_test_offered_rps"] == 120
        assert found["load_test_latency_p99_ms"] == pytest.approx(38.2)
        assert found["load_test_stretch_seconds"] == pytest.approx(3.2)
        assert [
            found[f"load_test_{name}"] for name in ("sent", "in_flight", "answered", "violations")
        ] == [300, 12, 288, 9]
        progress.probe(PROBE)
        found = values(port)
        assert (found["load_test_probes"], found["load_test_offered_rps"]) == (1, 100)
        assert found["load_test_done"] == 0
        progress.done(REPORT)
        found = values(port)
        assert (found["load_test_done"], found["load_test_peak_rps"]) == (1, 100)
        assert found["load_test_in_flight"] == 0
        assert phase(port) == ["done"]


def test_every_gauge_is_explained():
    port = unused_port()
    with Progress(port):
        text = page(port)
    helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.M))
    types = re.findall(r"^# TYPE (\w+) gauge$", text, re.M)
    assert set(helps) == set(types)
    assert all(len(help_text) > 10 for help_text in helps.values())


def test_the_port_is_free_again_afterwards():
    port = unused_port()
    with Progress(port):
        pass
    with Progress(port):
        assert phase(port) == ["waiting"]


def test_a_taken_port_is_an_error():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Progress(taken.getsockname()[1])


def on(console: Console) -> Progress:
    progress = Progress(0)
    progress._console = console
    return progress


def test_a_terminal_shows_snapshots_and_keeps_probes():
    screen = io.StringIO()
    progress = on(Console(file=screen, force_terminal=True, width=120, highlight=False))
    with progress.live(60, 0.01):
        progress.snapshot(RUNNING)
        progress.probe(PROBE)
    progress.snapshot(replace(RUNNING, offered_rps=77.0))
    text = screen.getvalue()
    assert "120.0 rps offered, 3.2 s of it" in text
    assert re.search(r"confirm +100\.0 rps offered +99\.5 rps answered +p99 +20\.0 ms", text)
    assert "77.0" not in text


@pytest.mark.parametrize("dumb", [True, False])
def test_without_a_terminal_there_are_plain_lines_only(dumb: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb" if dumb else "xterm")
    screen = io.StringIO()
    progress = on(Console(file=screen, force_terminal=dumb, width=200, highlight=False))
    with progress.live(60, 0.01):
        progress.snapshot(RUNNING)
        progress.probe(replace(PROBE, offered_rps=None, concurrency=8, latency_p99_ms=None))
        progress.say("[bold] is no markup")
    assert screen.getvalue().splitlines() == [
        "   confirm         8 in flight        99.5 rps answered  p99          -     1 errors    "
        "5.0 s  meets the SLO",
        "[bold] is no markup",
    ]


def test_a_reader_that_has_left_does_not_end_the_measurement():
    reader, writer = os.pipe()
    os.close(reader)
    lost = os.fdopen(writer, "w")
    progress = Progress(0)
    progress._console.file = lost
    progress.say("This cannot be read,")
    progress.say("nor this.")
    with pytest.raises(BrokenPipeError):
        lost.close()


def test_the_live_view_ends_with_an_error():
    screen = io.StringIO()
    progress = on(Console(file=screen, force_terminal=True, width=120))
    with pytest.raises(KeyError), progress.live(60, 0.01):
        raise KeyError
    assert progress._live is None


def test_the_result_in_words():
    text = render(replace(REPORT, client_limited=1))
    assert text.splitlines()[0] == (
        "peak_rps        100.0  (95 % interval 95.0 to 104.0; confirmed)"
    )
    assert "rps_per_dollar  200.0  (cost 0.5)" in text
    assert "client_limited  1" in text
    assert render(INFEASIBLE) == "infeasible: Every request failed."
