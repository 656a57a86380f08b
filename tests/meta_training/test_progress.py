import os
import subprocess
import sys

import pytest

from meta_training.progress import progress_bar, silent_standard_error


def test_native_output_is_hidden_and_then_shown() -> None:
    code = (
        "import os\n"
        "from meta_training.progress import silent_standard_error\n"
        "with silent_standard_error():\n"
        "    os.write(2, b'hidden')\n"
        "os.write(2, b'shown')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"shown"


def test_an_exception_passes_and_no_descriptor_is_left() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ImportError), silent_standard_error():
        raise ImportError
    assert len(os.listdir("/proc/self/fd")) == before


def test_progress_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("work", 4) as on_update:
        on_update(3)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/4" in captured.err
