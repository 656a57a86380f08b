"""The whole benchmark on the smallest world, twice."""

import json

import pytest

from benchmarks.search_cost.__main__ import main

ARGUMENTS = ["--quick", "--worlds", "production", "--methods", "random", "portfolio", "tpe"]


@pytest.fixture
def folder(tmp_path):
    assert main([*ARGUMENTS, "--output", str(tmp_path)]) == 0
    return tmp_path


def test_writes_a_page_with_its_plots(folder, capsys):
    page = (folder / "README.md").read_text()
    assert "## Production-like services" in page
    assert "6 services, 1 seed(s), at most 100 samples" in page
    for method in ("random", "portfolio", "tpe"):
        assert f"| {method} | 6 |" in page
    for image in ("progress-production-1.png", "cost-production.png"):
        assert f"({image})" in page
        assert 5_000 < (folder / image).stat().st_size < 150_000


def test_a_finished_run_is_not_run_again(folder):
    path = folder / "runs.jsonl"
    lines = path.read_text().splitlines()
    assert len(lines) == 18
    path.write_text("\n".join(lines[:10]) + "\n")
    assert main([*ARGUMENTS, "--output", str(folder)]) == 0
    again = path.read_text().splitlines()
    assert again[:10] == lines[:10]
    samples = [[json.loads(line)["samples"] for line in each] for each in (lines, again)]
    assert samples[0] == samples[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--worlds", "nowhere"], "--worlds must name some of open-source/1"),
        (["--methods", "vizier", "--vizier-python", "no/python"], "vizier needs --vizier-python"),
        (["--methods", "nobody"], "invalid choice: 'nobody'"),
    ],
)
def test_wrong_usage(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err
