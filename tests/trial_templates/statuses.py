"""Statuses of an InferenceService in RawDeployment mode, as KServe writes them.

kserve/kserve, pkg/apis/serving/v1beta1/inference_service_status.go: 189-269, 380-448, 748-818.
"""

from typing import Any

Status = dict[str, Any]


def _conditions(ready: str, reason: str = "") -> list[dict[str, str]]:
    extra = {"reason": reason} if reason else {}
    return [
        {"type": "IngressReady", "status": "True"},
        {"type": "PredictorReady", "status": ready, **extra},
        {"type": "Ready", "status": ready, **extra},
    ]


def _model(target: str, transition: str, **more: Any) -> dict[str, Any]:
    return {
        "states": {"activeModelState": "", "targetModelState": target},
        "transitionStatus": transition,
        **more,
    }


NONE: Status = {}
STARTING: Status = {
    "conditions": _conditions("False", "MinimumReplicasUnavailable"),
    "modelStatus": _model("Pending", "InProgress"),
}
READY: Status = {
    "conditions": _conditions("True"),
    "modelStatus": _model("Loaded", "UpToDate"),
}
# Under the highest load a server may miss its readiness probe for a while.
FLAPPING: Status = {**READY, "conditions": _conditions("False", "MinimumReplicasUnavailable")}
CRASH_LOOP: Status = {
    "conditions": _conditions("False", "MinimumReplicasUnavailable"),
    "modelStatus": _model(
        "FailedToLoad", "BlockedByFailedLoad",
        lastFailureInfo={"reason": "ModelLoadFailed", "message": "out of memory", "exitCode": 1},
    ),
}  # fmt: skip
INVALID: Status = {
    "conditions": _conditions("False", "InvalidSpec"),
    "modelStatus": _model("FailedToLoad", "InvalidSpec"),
}
# Recovered from one crash: the information of the failure stays.
RECOVERED: Status = {
    **READY,
    "modelStatus": _model("Loaded", "UpToDate", lastFailureInfo={"reason": "ModelLoadFailed"}),
}
DENIED: Status = {"conditions": _conditions("False", "FailedCreate")}
