"""A small Experiment whose server is scripted: two knobs set its capacity exactly."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

EXPERIMENT: dict[str, Any] = {
    "apiVersion": "kubeflow.org/v1beta1",
    "kind": "Experiment",
    "metadata": {"name": "scripted"},
    "spec": {
        "objective": {
            "type": "maximize",
            "objectiveMetricName": "peak_rps",
            "additionalMetricNames": ["latency_p99_ms", "cost"],
        },
        "algorithm": {"algorithmName": "morphling"},
        "maxTrialCount": 3,
        "parallelTrialCount": 1,
        "maxFailedTrialCount": 1,
        "parameters": [
            {
                "name": "service_ms",
                "parameterType": "discrete",
                "feasibleSpace": {"list": ["4", "8", "16"]},
            },
            {
                "name": "workers",
                "parameterType": "int",
                "feasibleSpace": {"min": "1", "max": "2"},
            },
        ],
        "metricsCollectorSpec": {
            "source": {"fileSystemPath": {"kind": "File", "path": "/var/morphling/result.json"}},
            "collector": {
                "kind": "Custom",
                "customCollector": {
                    "name": "metrics-collector",
                    "image": "sidecar",
                    "command": ["morphling-metrics-collector"],
                    "args": [
                        "--result=/var/morphling/result.json",
                        "--metrics=peak_rps,latency_p99_ms,cost",
                        "--db-manager=katib-db-manager.kubeflow:6789",
                    ],
                    "env": [
                        {
                            "name": "TRIAL_NAME",
                            "valueFrom": {
                                "fieldRef": {
                                    "fieldPath": "metadata.labels['katib.kubeflow.org/trial']"
                                }
                            },
                        }
                    ],
                },
            },
        },
        "trialTemplate": {
            "primaryContainerName": "load-generator",
            "primaryPodLabels": {"component": "predictor"},
            "successCondition": 'status.conditions.#(type=="Ready")#',
            "failureCondition": 'status.[modelStatus].#(states.targetModelState=="FailedToLoad")#',
            "trialParameters": [
                {"name": "serviceMs", "reference": "service_ms"},
                {"name": "workers", "reference": "workers"},
            ],
            "trialSpec": {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "spec": {
                    "predictor": {
                        "containers": [
                            {
                                "name": "kserve-container",
                                "image": "fake",
                                "command": ["python", "-m", "tests.fakes.model_server"],
                                "args": [
                                    "--port=8080",
                                    "--service-ms=${trialParameters.serviceMs}",
                                    "--workers=${trialParameters.workers}",
                                ],
                                "ports": [{"containerPort": 8080}],
                            },
                            {
                                "name": "load-generator",
                                "image": "sidecar",
                                "command": ["morphling-load-generator"],
                                "args": [
                                    "--url=http://localhost:8080",
                                    "--model=m",
                                    "--slo-ms=1000",
                                    "--max-seconds=2.5",
                                    "--result=/var/morphling/result.json",
                                    "--stay-alive",
                                    "--price-base=0.1",
                                    "--price-per-core=0.1",
                                    "--cpu-cores=${trialParameters.workers}",
                                ],
                            },
                        ]
                    }
                },
            },
        },
    },
}


def experiment(**spec: Any) -> dict[str, Any]:
    """A copy, with fields of ``spec`` replaced."""
    copied = copy.deepcopy(EXPERIMENT)
    copied["spec"].update(spec)
    return copied


def server_of(document: dict[str, Any]) -> dict[str, Any]:
    containers: list[dict[str, Any]] = document["spec"]["trialTemplate"]["trialSpec"]["spec"][
        "predictor"
    ]["containers"]
    return containers[0]


def load_generator_of(document: dict[str, Any]) -> dict[str, Any]:
    containers: list[dict[str, Any]] = document["spec"]["trialTemplate"]["trialSpec"]["spec"][
        "predictor"
    ]["containers"]
    return containers[1]


def write(document: dict[str, Any], folder: Path) -> Path:
    """Writes the Experiment and what stands for its image here."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = {
        "images": {
            "fake": {
                "path": [str(Path(sys.executable).parent)],
                "env": {"PYTHONPATH": str(ROOT)},
            }
        }
    }
    (folder / "local.yaml").write_text(yaml.safe_dump(machine))
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def command(path: Path, output: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "local_runner", str(path), f"--output={output}", *more]


def run(path: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(path, output, *more), capture_output=True, text=True, timeout=100)


def processes_of(folder: Path) -> list[str]:
    """Command lines of live processes that mention a folder or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in line or place.startswith(str(folder)):
            found.append(f"{entry.name} {line}")
    return found
