"""How late a simulated server's answers may be, before a run does not count."""

import pytest

from benchmarks.load_generator.cases import CASES
from benchmarks.load_generator.servers import SimulatedServer


@pytest.mark.parametrize(("name", "most_late_ms"), [("fixed-20", 0.02 * 387.3), ("fixed-200", 5.0)])
def test_a_loose_slo_allows_answers_to_be_later(name: str, most_late_ms: float) -> None:
    server = CASES[name].server
    assert isinstance(server, SimulatedServer)
    assert server.most_late_seconds * 1000 == pytest.approx(most_late_ms, rel=0.01)
