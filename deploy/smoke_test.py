"""Starts the programs of a file tree with nothing but that tree, as a container would."""

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from deploy.images import Image

# The USER of the Containerfile.
_USER = 65532
_HELP_SECONDS = 60
_START_SECONDS = 120
_STOP_SECONDS = 30
_ASK_SECONDS = 90
_QUESTIONS = Path(__file__).with_name("ask_suggestion.py")


class SmokeTestError(Exception):
    """A file tree does not do what its image must."""


def smoke_test(image: Image, tree: Path) -> None:
    """Starts every program of a tree and, where it serves, asks for suggestions.

    Args:
        image: What the tree must hold.
        tree: Folder as ``assemble`` fills it.

    Raises:
        SmokeTestError: a program does not work, or something is there that must not be.
    """
    for name in image.absent:
        if (tree / name).exists():
            raise SmokeTestError(f"The image must hold no {name}, but {tree / name} exists.")
    for program in image.programs:
        _run(tree, [tree / "bin" / program, "--help"], _HELP_SECONDS)
    if image.serves:
        surrogates = ["library", *(["maml"] if image.has_tensorflow else [])]
        with _service(tree) as port:
            for surrogate in surrogates:
                question: list[str | Path] = [_QUESTIONS, str(port), f"--surrogate={surrogate}"]
                _run(tree, question, _ASK_SECONDS)


@cache
def _unprivileged() -> dict[str, Any]:
    """How to start a program as the images do: only root can, where Python is for everybody."""
    user: dict[str, Any] = {"user": _USER, "group": _USER, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-S", "-c", ""], check=True, **user)
    except (PermissionError, subprocess.CalledProcessError):
        return {}
    return user


def _command(arguments: Sequence[str | Path]) -> list[str]:
    # -S: without the packages of the Python that runs this, an environment's included.
    return [sys.executable, "-S", *map(str, arguments)]


def _environment(tree: Path) -> dict[str, str]:
    # No HOME and a temporary folder in memory: all that a container with a read-only root has.
    return {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/dev/shm"}


def _run(tree: Path, arguments: Sequence[str | Path], seconds: float) -> None:
    program = Path(arguments[0]).name
    try:
        done = subprocess.run(
            _command(arguments),
            env=_environment(tree),
            **_unprivileged(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SmokeTestError(f"{program} must answer in {seconds} s, but did not.") from None
    if done.returncode:
        reason = f"ended with {done.returncode}: {done.stderr}"
        raise SmokeTestError(f"{program} must work, but {reason}")


@contextmanager
def _service(tree: Path) -> Iterator[int]:
    """The suggestion service on a free port, which is given; it must end well, too."""
    program = tree / "bin" / "morphling-suggestion"
    arguments: list[str | Path] = [program, "--port=0", "--metrics-port=0"]
    with tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen(
            _command(arguments),
            env=_environment(tree),
            **_unprivileged(),
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
        )
        timer = threading.Timer(_START_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdout is not None, "it is piped"
            ready = re.search(r"SERVING on port (\d+)", process.stdout.readline())
            timer.cancel()
            if ready is None:
                process.kill()
                process.wait()
                messages.seek(0)
                raise SmokeTestError(f"The service must start, but: {messages.read()}")
            yield int(ready[1])
            process.terminate()
            code = process.wait(_STOP_SECONDS)
            if code:
                raise SmokeTestError(f"The service must end with 0, but ended with {code}.")
        finally:
            timer.cancel()
            process.kill()
            process.communicate()
