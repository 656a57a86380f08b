"""Experiments, Trials and Suggestions as Katib stores them, and a way to run the commands."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cluster import follow
from tests.fakes.katib_api import KatibApi


def clock(minutes: int) -> str:
    return f"2026-01-02T03:{minutes:02}:00Z"


def conditions(*names: str, message: str = "") -> list[dict[str, Any]]:
    """The conditions that a resource went through; the last holds, as does ``Created``."""
    return [
        {
            "type": name,
            "status": "True" if name in ("Created", names[-1]) else "False",
            "reason": f"Reason{name}",
            "message": message if name == names[-1] and message else f"{name} message",
            "lastTransitionTime": clock(0),
        }
        for name in names
    ]


def experiment(*, state: tuple[str, ...] = ("Created", "Running"), **spec: Any) -> dict[str, Any]:
    """An Experiment after Katib's defaulting webhook."""
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "tune", "namespace": "team", "labels": {}},
        "spec": {
            "objective": {
                "type": "maximize",
                "objectiveMetricName": "peak_rps",
                "additionalMetricNames": ["latency_p99_ms", "cost"],
                "metricStrategies": [
                    {"name": "peak_rps", "value": "max"},
                    {"name": "latency_p99_ms", "value": "latest"},
                    {"name": "cost", "value": "max"},
                ],
            },
            "algorithm": {"algorithmName": "morphling"},
            "parallelTrialCount": 1,
            "maxTrialCount": 3,
            "parameters": [
                {
                    "name": "batch_size",
                    "parameterType": "discrete",
                    "feasibleSpace": {"list": ["1", "8", "64"]},
                },
                {
                    "name": "cpu_cores",
                    "parameterType": "int",
                    "feasibleSpace": {"min": "1", "max": "4"},
                },
            ],
            "trialTemplate": {
                "primaryContainerName": "load-generator",
                "trialParameters": [
                    {"name": "batchSize", "reference": "batch_size"},
                    {"name": "cpuCores", "reference": "cpu_cores"},
                ],
            },
        }
        | spec,
        "status": {"conditions": conditions(*state), "startTime": clock(0)},
    }


def trial(
    name: str,
    batch_size: int,
    peak_rps: float | None = None,
    *,
    minute: int = 0,
    state: tuple[str, ...] = ("Created", "Running", "Succeeded"),
    message: str = "",
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A Trial of five minutes that started at a minute; without a rate it has no observation."""
    is_over = state[-1] not in ("Created", "Running")
    status: dict[str, Any] = {
        "conditions": conditions(*state, message=message),
        "startTime": clock(minute),
        "completionTime": clock(minute + 5) if is_over else None,
    }
    if peak_rps is not None:
        status["observation"] = {
            "metrics": [metric("peak_rps", peak_rps), metric("latency_p99_ms", 80.0)]
        }
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": {
            "name": name,
            "namespace": "team",
            "labels": {"katib.kubeflow.org/experiment": "tune"} if labels is None else labels,
            "creationTimestamp": clock(minute),
        },
        "spec": {
            "parameterAssignments": [
                {"name": "batch_size", "value": str(batch_size)},
                {"name": "cpu_cores", "value": "2"},
            ]
        },
        "status": status,
    }


def metric(name: str, value: float) -> dict[str, str]:
    return {"name": name, "min": str(value), "max": str(value), "latest": str(value)}


def suggestion(*names: str, state: tuple[str, ...] = (), message: str = "") -> dict[str, Any]:
    """The Experiment's Suggestion; ready unless other conditions are given."""
    held = state or ("Created", "DeploymentReady")
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Suggestion",
        "metadata": {"name": "tune", "namespace": "team", "labels": {}},
        "spec": {"algorithm": {"algorithmName": "morphling"}},
        "status": {
            "conditions": conditions(*held, message=message),
            "suggestions": [{"name": name, "parameterAssignments": []} for name in names],
        },
    }


def finished(api: KatibApi) -> None:
    """Puts an Experiment of three trials: 50 rps, failed, 120 rps."""
    api.put("experiments", experiment(state=("Created", "Running", "Succeeded")))
    api.put(
        "trials",
        trial("tune-bbb", 8, 120.0, minute=12),
        trial("tune-aaa", 1, 50.0, minute=0),
        trial(
            "tune-ccc",
            64,
            minute=6,
            state=("Created", "Running", "Failed"),
            message="ModelLoadFailed: out of memory",
        ),
    )
    api.put("suggestions", suggestion("tune-aaa", "tune-ccc", "tune-bbb"))


@contextlib.contextmanager
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KatibApi]:
    """An API server that kubectl's configuration leads to, asked a hundred times a second."""
    with KatibApi() as api:
        kubeconfig = api.write_kubeconfig(folder / "kubeconfig")
        # The client reads KUBECONFIG once, when it is imported.
        location = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
        monkeypatch.setattr(location, str(kubeconfig))
        monkeypatch.setattr(follow, "POLL_SECONDS", 0.01)
        yield api


def run(command: ModuleType, *arguments: str) -> int:
    """Runs a command as ``morphling`` does and returns the exit code."""
    parser = argparse.ArgumentParser(prog="morphling")
    command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args([command.__name__.rsplit(".", 1)[-1], *arguments])
    return int(parsed.run(parsed))
