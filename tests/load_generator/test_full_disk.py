"""Places where no result can be written: known before the measurement, or only after it."""

import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from load_generator.report import check_room, from_json, read, write
from tests.load_generator.builders import REPORT

_FULL = Path("/dev/full")  # takes nothing: writing to it says that the disk is full


def _start(result: Path, *flags: str, port: int = 1, **streams: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "load_generator", f"--url=http://127.0.0.1:{port}", "--model=m"]
        + ["--slo-ms=500", "--ready-seconds=0.1", f"--result={result}", *flags],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **streams},
    )  # fmt: skip


def _end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def _fill(result: Path) -> None:
    """As if the disk that the result goes to were full."""
    result.with_name(f"{result.name}.tmp").symlink_to(_FULL)


def test_a_full_disk_is_refused_before_the_measurement(tmp_path: Path):
    result = tmp_path / "result.json"
    _fill(result)
    code, stdout, stderr = _end(_start(result))
    assert (code, stdout) == (1, "")
    assert stderr == (
        f"load-generator: --result must be a file that can take 512 KiB, but {result} cannot: "
        "[Errno 28] No space left on device\n"
    )
    assert list(tmp_path.iterdir()) == []


# Where not even root can write; and where there is no folder.
@pytest.mark.parametrize("folder", ["/sys", "/no/such/folder", "/dev/null"])
def test_a_place_where_nothing_can_be_written_is_refused(folder: str):
    code, stdout, stderr = _end(_start(Path(folder) / "result.json"))
    assert (code, stdout) == (1, "")
    assert "--result must be a file that can take 512 KiB, but" in stderr
    assert "Traceback" not in stderr


def test_a_disk_that_fills_up_meanwhile_does_not_cost_the_result(tmp_path: Path):
    result = tmp_path / "result.json"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = _start(result, "--ready-seconds=60", port=listener.getsockname()[1])
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)  # it asks whether the model is ready, and has looked at the disk
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, 100))
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.recv(1000)  # for the model's metadata
            connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            code, stdout, stderr = _end(process)
    assert code == 1
    assert "metadata" in from_json(stdout).reason
    assert stderr == (
        f"load-generator: {result} cannot be written, so the result is on standard output: "
        "[Errno 27] File too large\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_finished_result_needs_no_room(tmp_path: Path):
    result = tmp_path / "result.json"
    write(REPORT, result)
    _fill(result)
    code, stdout, _ = _end(_start(result))
    assert code == 0
    assert "peak_rps        100.0" in stdout


def test_a_full_disk_behind_the_log_does_not_end_the_measurement(tmp_path: Path):
    result = tmp_path / "result.json"
    result.write_text("half a resul")  # which the log would say
    with _FULL.open("w") as full:
        code, stdout, _ = _end(_start(result, stderr=full))
    assert code == 0
    assert read(result).reason in stdout


def test_a_full_disk_behind_standard_output_is_an_error(tmp_path: Path):
    result = tmp_path / "result.json"
    write(REPORT, result)
    with _FULL.open("w") as full:
        code, _, stderr = _end(_start(result, stdout=full))
    assert code == 1
    assert "load-generator: standard output cannot be written: [Errno 28]" in stderr


def test_what_fails_leaves_the_folder_as_it_was(tmp_path: Path):
    result = tmp_path / "result.json"
    result.write_text("before")
    for attempt in (check_room, lambda path: write(REPORT, path)):
        _fill(result)
        with pytest.raises(OSError, match="No space left"):
            attempt(result)
        assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
        assert result.read_text() == "before"


def test_a_look_at_the_room_leaves_nothing(tmp_path: Path):
    check_room(tmp_path / "result.json")
    assert list(tmp_path.iterdir()) == []
