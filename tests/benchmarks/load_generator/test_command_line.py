import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.load_generator.__main__ import main
from benchmarks.load_generator.results import Measurement, Store
from tests.benchmarks.load_generator.builders import measurement


def test_prints_the_page_of_what_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(tmp_path / "searches.jsonl", Measurement).add(measurement(peak_rps=50.0))
    flags = ["--cases", "fixed-200", "--methods", "quick", "--repeats", "1"]
    assert main([*flags, "--results", str(tmp_path)]) == 0
    assert "| quick | 1 | -75.0% |" in capsys.readouterr().out
    assert (tmp_path / "README.md").exists()


def test_refuses_unknown_methods(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--methods", "guessing"])
    assert "guessing" in capsys.readouterr().err


def _num_children(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_takes_server_and_client_along_when_it_is_terminated(tmp_path: Path) -> None:
    flags = ["--cases", "fixed-200", "--methods", "quick", "--repeats", "1"]
    command = [
        sys.executable,
        "-m",
        "benchmarks.load_generator",
        *flags,
        "--results",
        str(tmp_path),
    ]
    errors = tmp_path / "errors"
    with (
        errors.open("w") as file,
        subprocess.Popen(command, stderr=file, start_new_session=True) as process,
    ):
        try:
            while _num_children(process.pid) < 2:
                assert process.poll() is None
                time.sleep(0.1)
            time.sleep(1)  # The client exists before this process has come to wait for it.
            process.terminate()
            assert process.wait() == 130
            with pytest.raises(ProcessLookupError):
                os.killpg(process.pid, 0)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert errors.read_text() == "Stopped; the same command goes on from here.\n"
