"""Two lines at the foot of the terminal that follow a running load test.

Drawing happens in the thread that sends the requests and so must cost next to nothing: some 0.2 ms,
at most four times a second. That is why the table of finished probes is printed above, a line each,
and is not drawn again.
"""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from load_generator.snapshot import WAITING, Snapshot

# A little under a quarter of a second, so that a caller's jitter does not skip every other one.
_LEAST_GAP_SECONDS = 0.24
_JUDGED_PHASES = ("idle", "rate", "confirm")


class LiveView:
    """Shows the newest snapshot while it is entered; needs a terminal.

    Args:
        console: Where to draw. What is printed through it meanwhile appears above the two lines.
        budget_seconds: What the test may take once the server is ready.
        allowed_share: Share of requests that may miss the SLO.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        console: Console,
        budget_seconds: float,
        allowed_share: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget_seconds, self._allowed_share = budget_seconds, allowed_share
        self._clock = clock
        self._ready_at: float | None = None
        self._drawn_at, self._drawn_phase = float("-inf"), ""
        # Without a thread of its own: it would compete for the interpreter at a bad moment.
        self._live = Live(
            console=console, auto_refresh=False, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Draws a snapshot, unless the last was drawn less than a quarter of a second ago."""
        now = self._clock()
        is_new = snapshot.phase != self._drawn_phase
        if not is_new and now - self._drawn_at < _LEAST_GAP_SECONDS:
            return
        self._drawn_at, self._drawn_phase = now, snapshot.phase
        if self._ready_at is None and snapshot.phase != WAITING:
            self._ready_at = now
        elapsed = None if self._ready_at is None else now - self._ready_at
        text = status(snapshot, elapsed, self._budget_seconds, self._allowed_share)
        self._live.update(Text(text, no_wrap=True, overflow="ellipsis", style="cyan"), refresh=True)


def status(
    snapshot: Snapshot,
    elapsed_seconds: float | None,
    budget_seconds: float,
    allowed_share: float,
) -> str:
    """Two lines of text on a snapshot.

    Args:
        snapshot: What to tell.
        elapsed_seconds: Since the server was ready; None before that.
        budget_seconds: What the test may take from then on.
        allowed_share: Share of requests that may miss the SLO.
    """
    if elapsed_seconds is None:
        return f"{snapshot.phase:>10} for the server, {snapshot.seconds:.0f} s\n"
    rate = snapshot.offered_rps
    load = "closed loop" if rate is None else f"{rate:.1f} rps offered"
    p99 = "-" if snapshot.p99_ms is None else f"{snapshot.p99_ms:.1f} ms"
    return (
        f"{snapshot.phase:>10} {load}, {snapshot.seconds:.1f} s of it; "
        f"test {elapsed_seconds:.0f} of at most {budget_seconds:.0f} s\n"
        f"{'':>10} {snapshot.num_sent} sent, {snapshot.num_open} in flight, "
        f"{snapshot.num_done} answered, p99 {p99}{_verdict(snapshot, allowed_share)}"
    )


def _verdict(snapshot: Snapshot, allowed_share: float) -> str:
    """How the SLO stands; empty where it is not judged."""
    if snapshot.phase not in _JUDGED_PHASES or not snapshot.num_done:
        return ""
    share = snapshot.num_violations / snapshot.num_done
    word = "misses" if share > allowed_share else "meets"
    return (
        f"; {word} the SLO so far ({100 * share:.2f} % missed it, {100 * allowed_share:.3g} % may)"
    )
