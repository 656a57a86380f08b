"""The command line as a user starts it."""

import subprocess
import sys

import pytest


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cluster", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_the_commands():
    done = run("--help")
    assert done.returncode == 0
    for command in ("install", "uninstall", "doctor", "submit", "status", "report"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [(), ("improve",), ("status",), ("status", "a", "--fast")])
def test_wrong_usage(arguments: tuple[str, ...]):
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: morphling" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_cluster_is_said_in_plain_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/kubeconfig")
    done = run("status", "some-experiment", "--once")
    assert done.returncode == 1
    assert done.stderr.startswith("morphling: ")
    assert "Traceback" not in done.stderr
