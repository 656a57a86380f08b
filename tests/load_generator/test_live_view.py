"""The live view on a terminal, read as the terminal shows it."""

import io
import re
import time

import pytest
from rich.console import Console

from load_generator.live_view import LiveView, status
from load_generator.snapshot import Snapshot

RUNNING = Snapshot(
    phase="rate", offered_rps=412.0, seconds=3.2, num_sent=1203, num_open=12, num_done=1191,
    num_violations=9, p99_ms=38.24,
)  # fmt: skip


def terminal(width: int = 120) -> tuple[Console, io.StringIO]:
    screen = io.StringIO()
    return Console(file=screen, force_terminal=True, width=width, highlight=False), screen


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_open_loop():
    assert status(RUNNING, 12.3, 60, 0.01).splitlines() == [
        "      rate 412.0 rps offered, 3.2 s of it; test 12 of at most 60 s",
        "           1203 sent, 12 in flight, 1191 answered, p99 38.2 ms; meets the SLO so far "
        "(0.76 % missed it, 1 % may)",
    ]


def test_a_violated_slo():
    late = Snapshot(phase="confirm", offered_rps=1.0, num_done=100, num_violations=2, p99_ms=1.0)
    assert "misses the SLO so far (2.00 % missed it, 0.1 % may)" in status(late, 1, 60, 1 - 0.999)


@pytest.mark.parametrize("phase", ["warm_up", "saturation"])
def test_no_verdict_where_none_is_passed(phase: str):
    closed = Snapshot(phase=phase, num_sent=10, num_open=4, num_done=6, num_violations=6)
    first, second = status(closed, 1, 60, 0.01).splitlines()
    assert "closed loop, 0.0 s of it" in first
    assert second.endswith("10 sent, 4 in flight, 6 answered, p99 -")


def test_waiting_for_the_server():
    text = status(Snapshot(phase="waiting", seconds=7.4), None, 60, 0.01)
    assert text.split() == ["waiting", "for", "the", "server,", "7", "s"]


def test_elapsed_time_counts_from_the_first_load():
    console, screen = terminal()
    clock = Clock()
    with LiveView(console, 60, 0.01, clock) as view:
        view.show(Snapshot(phase="waiting"))
        clock.now = 30.0
        view.show(RUNNING)
        clock.now = 35.0
        view.show(RUNNING)
    assert "test 0 of at most 60 s" in screen.getvalue()
    assert "test 5 of at most 60 s" in screen.getvalue()


def test_it_is_drawn_four_times_a_second_at_most():
    console, screen = terminal()
    clock = Clock()
    with LiveView(console, 60, 0.01, clock) as view:
        for _ in range(200):
            view.show(RUNNING)
            clock.now += 0.05
    # Ten seconds; the end draws once more.
    assert screen.getvalue().count("rps offered") <= 10 * 4 + 1


def test_a_new_phase_is_drawn_at_once():
    console, screen = terminal()
    with LiveView(console, 60, 0.01, Clock()) as view:
        view.show(RUNNING)
        view.show(Snapshot(phase="confirm", offered_rps=400.0))
    assert "confirm 400.0 rps offered" in screen.getvalue()


def screen_after(text: str) -> list[str]:
    """What a terminal holds after some output: knows new lines, cursor up, and erase line."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[\??\d*(?:;\d+)*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part[0] not in "\x1b\r":
            lines[row] += part
    return [line for line in lines if line]


def test_it_leaves_nothing_behind_but_what_was_printed():
    console, screen = terminal()
    with LiveView(console, 60, 0.01) as view:
        view.show(RUNNING)
        console.print("a finished probe")
        during = screen_after(screen.getvalue())
    assert during == ["a finished probe", *status(RUNNING, 0, 60, 0.01).splitlines()]
    assert screen_after(screen.getvalue()) == ["a finished probe"]
    assert screen.getvalue().count("\x1b[?25h") == 1  # the cursor is back


def test_a_narrow_terminal_cuts_lines_and_does_not_wrap_them():
    console, screen = terminal(width=30)
    with LiveView(console, 60, 0.01) as view:
        view.show(RUNNING)
    assert "…" in screen.getvalue()


def test_an_error_inside_gives_the_cursor_back():
    console, screen = terminal()
    with pytest.raises(KeyError), LiveView(console, 60, 0.01):
        raise KeyError
    assert "\x1b[?25h" in screen.getvalue()


def test_drawing_is_cheap_enough_to_share_a_thread_with_the_load():
    # 1 % of a core at four times a second is 2.5 ms; it is some 0.2 ms, so the bound is loose.
    console, _ = terminal()
    clock = Clock()
    with LiveView(console, 60, 0.01, clock) as view:
        start = time.process_time()
        for _ in range(100):
            view.show(RUNNING)
            clock.now += 0.25
        assert (time.process_time() - start) / 100 < 0.0025
