"""Whether the load generator itself was short of CPU while it measured."""

import time
from dataclasses import dataclass
from pathlib import Path

# Control group of this container, as it sees itself: version 2 (docs.kernel.org, cgroup-v2,
# "cpu.stat"), or version 1 (docs.kernel.org, sched-bwc, "Statistics"); field, units a second.
_CPU_STATS = (
    (Path("/sys/fs/cgroup/cpu.stat"), "throttled_usec", 1e6),
    (Path("/sys/fs/cgroup/cpu/cpu.stat"), "throttled_time", 1e9),
)


@dataclass(frozen=True, slots=True)
class Strain:
    """What one stretch of load cost the busiest of the sending processes.

    Attributes:
        cpu_share: CPU time divided by the duration: 1 is a whole core.
        throttled_share: Share of the time for which the kernel held the container back, because it
            had used up its CPU limit.
        loop_lag_seconds: Longest delay of a timer of the event loop.
    """

    cpu_share: float = 0.0
    throttled_share: float = 0.0
    loop_lag_seconds: float = 0.0

    def joined(self, other: "Strain") -> "Strain":
        """The worse of two processes in everything."""
        return Strain(
            max(self.cpu_share, other.cpu_share),
            max(self.throttled_share, other.throttled_share),
            max(self.loop_lag_seconds, other.loop_lag_seconds),
        )


class StrainWatch:
    """Watches from when it is made until it is asked."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._cpu, self._throttled = time.process_time(), _throttled_seconds()
        self._loop_lag = 0.0

    def timer_was_late(self, seconds: float) -> None:
        """Notes the delay of a timer."""
        self._loop_lag = max(self._loop_lag, seconds)

    def result(self) -> Strain:
        """The strain so far."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        return Strain(
            cpu_share=(time.process_time() - self._cpu) / seconds,
            throttled_share=(_throttled_seconds() - self._throttled) / seconds,
            loop_lag_seconds=self._loop_lag,
        )


def _throttled_seconds() -> float:
    """Total of the container; 0 where nobody counts, as outside of Linux containers."""
    for path, name, per_second in _CPU_STATS:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        values = dict(line.split(" ", 1) for line in lines if " " in line)
        if name in values:
            return int(values[name]) / per_second
    return 0.0
