"""The whole benchmark on one function."""

import pytest

from benchmarks.wrong_prior import __main__ as command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_QUICK_FUNCTIONS", 1)
    monkeypatch.setattr(command, "_CAP", 6)
    assert command.main(["--quick", "--output", str(tmp_path)]) == 0
    return tmp_path


def test_writes_a_page_and_repeats_nothing(folder, capsys):
    page = (folder / "README.md").read_text()
    assert page.count("1 functions, 1 seed(s), at most 6 samples") == 2
    for method in ("library", "library without the sceptic", "gp", "auto"):
        assert f"| {method} | 1 |" in page
    assert "1 of 1 runs of `auto` are those of `gp`" in page
    runs = (folder / "runs.jsonl").read_text()
    assert len(runs.splitlines()) == 5
    assert command.main(["--quick", "--output", str(folder)]) == 0
    assert (folder / "runs.jsonl").read_text() == runs
