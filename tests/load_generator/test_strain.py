"""What the kernel says of the container's CPU limit."""

from pathlib import Path

import pytest

from load_generator import strain
from load_generator.strain import StrainWatch

# As kernels write them: version 2 counts microseconds, version 1 nanoseconds.
_V2 = "usage_usec 9000000\nnr_periods 50\nnr_throttled 40\nthrottled_usec {}\nnr_bursts 0\n"
_V1 = "nr_periods 50\nnr_throttled 40\nthrottled_time {}\nnr_bursts 0\n"


class Groups:
    """The files of both versions, and a clock, none of which moves by itself."""

    def __init__(self, folder: Path) -> None:
        self.v2, self.v1, self.now = folder / "v2", folder / "v1", 100.0

    def share(self, path: Path, text: str, before: int, after: int) -> float:
        path.write_text(text.format(before))
        watch = StrainWatch()
        path.write_text(text.format(after))
        self.now += 10
        return watch.result().throttled_share


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groups:
    groups = Groups(tmp_path)
    (_, *v2), (_, *v1) = strain._CPU_STATS
    monkeypatch.setattr(strain, "_CPU_STATS", ((groups.v2, *v2), (groups.v1, *v1)))
    monkeypatch.setattr("time.monotonic", lambda: groups.now)
    return groups


def test_version_2(groups: Groups):
    assert groups.share(groups.v2, _V2, 1_000_000, 6_000_000) == pytest.approx(0.5)


def test_version_1(groups: Groups):
    assert groups.share(groups.v1, _V1, 1_000_000_000, 3_000_000_000) == pytest.approx(0.2)


def test_version_1_where_the_root_of_version_2_has_no_limit(groups: Groups):
    groups.v2.write_text("usage_usec 9000000\n")
    assert groups.share(groups.v1, _V1, 0, 1_000_000_000) == pytest.approx(0.1)


def test_nobody_counts(groups: Groups):
    watch = StrainWatch()
    groups.now += 10
    assert watch.result().throttled_share == 0
