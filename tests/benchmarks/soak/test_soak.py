"""The soak notices what it is there to notice."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.soak.__main__ import _flaws, main
from benchmarks.soak.load import Watched
from benchmarks.soak.workload import crowded, request
from protos.katib import api_pb2

STEADY = [200.0] * 50


def test_requests_repeat_and_come_in_all_kinds():
    assert request(5) == request(5) != request(6)
    some = [request(number) for number in range(101)]
    kinds = Counter(type(one).__name__ for one in some)
    assert kinds["ValidateAlgorithmSettingsRequest"] == 10
    asked = [one for one in some if isinstance(one, api_pb2.GetSuggestionsRequest)]
    assert max(len(one.trials) for one in asked if one.ByteSize() < 1e6) == 1000
    assert 4e6 < some[100].ByteSize() < 4 * 1024 * 1024
    assert len({one.experiment.name for one in some}) == 3
    assert {one.experiment.spec.algorithm.algorithm_name for one in some} == {
        "morphling", "unknown",
    }  # fmt: skip
    assert len(crowded(1).trials) == 1000


@pytest.mark.parametrize(
    ("codes", "watched", "flaw"),
    [
        ({"OK": 9, "INVALID_ARGUMENT": 1}, Watched([0.1, 0.9], STEADY), ""),
        ({"OK": 9, "UNKNOWN": 1}, Watched([0.1], STEADY), "but some were {'UNKNOWN'}"),
        ({"OK": 9}, Watched([0.1, float("inf")], STEADY), "but took inf"),
        ({"OK": 9}, Watched([0.1], [*STEADY, *[300.0] * 50]), "but was 300 MiB after 200"),
    ],
)
def test_flaws(codes: dict[str, int], watched: Watched, flaw: str):
    found = _flaws(Counter(codes), [watched])
    assert len(found) == bool(flaw)
    assert flaw in "".join(found)


def test_a_short_soak(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["--requests", "30", "--clients", "3", "--output", str(tmp_path)])
    printed = capsys.readouterr()
    assert "mixed requests: {'OK': 28, 'INVALID_ARGUMENT': 2}" in printed.out.replace("\n", " ")
    assert "1,000 trials each" in printed.out
    # Of thirty requests the memory is still to settle; nothing else may be wrong.
    assert all("Memory at the end" in line for line in printed.err.splitlines())
