"""What the search for the peak asks for."""

from typing import Protocol

from load_generator.sample import Sample
from load_generator.schedule import Opening


class Meter(Protocol):
    """Puts load on something and measures it."""

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        """Sends at a rate.

        Args:
            rate_rps: Mean rate of the arrivals.
            seconds: For how long.
            index: Picks the stream of arrivals.
            kind: Of the probe.
            opening: What is sent before; due at 0 or earlier.
        """

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        """Keeps requests in flight."""

    def seconds_left(self) -> float:
        """Until the budget is spent."""
