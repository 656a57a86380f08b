import pytest

from benchmarks.load_generator.tuning import main


def test_a_row_for_each_queue_and_one_for_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = "--split validate --queues fixed-22 --profiles quick --repeats 2"
    monkeypatch.setattr("sys.argv", ["tuning", *flags.split()])
    main()
    header, queue, everything = capsys.readouterr().out.splitlines()
    assert header.split() == ["error", "spread", "lowest", "holds", "seconds"]
    assert queue.split()[:2] == ["quick", "fixed-22x1"]
    error, spread, lowest, _, seconds = queue.split()[2:]
    assert abs(float(error.rstrip("%"))) < 10
    assert float(spread.rstrip("%")) < 10
    assert float(lowest.rstrip("%")) <= float(error.rstrip("%"))
    assert 30 < float(seconds) < 66
    assert everything.split()[:2] == ["quick,", "all"]
