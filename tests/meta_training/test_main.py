from pathlib import Path

import pytest

from meta_training import main as command
from suggestion.checkpoint import Checkpoint

pytest.importorskip("tensorflow")


def test_train_writes_weights_and_a_learning_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_NUM_PAPER", 20)
    monkeypatch.setattr(command, "_NUM_PRODUCTION", 5)
    monkeypatch.setattr(command, "_NUM_RANDOM", 1)
    table = tmp_path / "mine.csv"
    rows = [
        f"mine,{cores},{batch},{cores * batch}" for cores in range(1, 8) for batch in range(1, 7)
    ]
    table.write_text("\n".join(["service,cpu_cores,batch_size,rps", *rows]) + "\n")
    output = tmp_path / "output"
    arguments = ["train", "--seed", "1", "--output", str(output), "--updates", "2"]
    assert command.main([*arguments, "--tables", str(table)]) == 0
    assert capsys.readouterr().out.strip() == str(output / "meta_weights.npz")
    assert {file.name for file in output.iterdir()} == {
        "meta_weights.npz",
        "learning_curve.csv",
        "learning_curve.png",
    }
    found = Checkpoint.load(output / "meta_weights.npz")
    assert found.num_steps > 0
    assert found.part("head")


def test_a_flawed_table_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("service,depth,rps\na,1,5\na,2,6\n")
    code = command.main(["train", "--output", str(tmp_path), "--tables", str(table)])
    assert code == 2
    assert "knobs must be among" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["train"], ["train", "--output", "x", "--updates", "0"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        command.main(arguments)
    assert error.value.code == 2
    assert "usage" in capsys.readouterr().err
