"""The whole ablation on two variants that need next to no training."""

import pytest

from benchmarks.maml_ablation import __main__ as command
from benchmarks.maml_ablation import trainings
from benchmarks.maml_ablation.trainings import ten_services
from benchmarks.maml_ablation.variants import LETTER, WHOLE


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "VARIANTS", (WHOLE[0], LETTER[1]))
    monkeypatch.setattr(command, "QUICK", command.Scope(num_updates=2, num_cases=2, cap=10))
    monkeypatch.setattr(trainings, "grids_of", lambda _: [ten_services()])
    return lambda: command.main(["--quick", "--output", str(tmp_path)])


def test_writes_a_page_and_repeats_nothing(run, tmp_path, capsys):
    assert run() == 0
    page = (tmp_path / "README.md").read_text()
    assert "had 2 meta-updates" in page
    assert "| as shipped | 2 |" in page
    assert "| letter, delta 0.5 | 2 |" in page
    assert "One choice undone" not in page
    assert "| as shipped | 2 |" in capsys.readouterr().out
    runs = (tmp_path / "runs-2.jsonl").read_text()
    assert len(runs.splitlines()) == 4
    (tmp_path / "weights" / "letter-2" / "weights.npz").unlink()
    assert run() == 0
    assert (tmp_path / "runs-2.jsonl").read_text() == runs
    assert not (tmp_path / "weights" / "letter-2" / "weights.npz").exists()
    assert (tmp_path / "README.md").read_text() == page


def test_a_stop_is_no_failure(run, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "weights_of", stop)
    assert run() == 130
    assert "the same command goes on" in capsys.readouterr().err
