"""The manifests: rendered by kubectl where it is there, and equal to what installing writes."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import installation
from deploy.assemble import ROOT
from tests.trial_templates import structure
from trial_templates.examples import EXAMPLES

DEPLOY = ROOT / "deploy"
FOLDERS = [DEPLOY / "base", *sorted((DEPLOY / "overlays").iterdir())]


def objects(folder: Path) -> list[dict[str, Any]]:
    """Of a kustomization: every resource, its namespace set."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    found = []
    for name in kustomization["resources"]:
        found += yaml.safe_load_all((folder / name).read_text())
    return found


def of_kind(folder: str, kind: str) -> dict[str, Any]:
    (found,) = (one for one in objects(DEPLOY / folder) if one["kind"] == kind)
    return found


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_kubectl_renders_it(folder: Path):
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rendered = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(done.stdout)}
    assert rendered == {(one["kind"], one["metadata"]["name"]) for one in objects(folder)}
    namespace = yaml.safe_load((folder / "kustomization.yaml").read_text()).get("namespace")
    for one in yaml.safe_load_all(done.stdout):
        if namespace and one["kind"] != "Namespace":
            assert one["metadata"]["namespace"] == namespace


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_belongs_to_its_kustomization(folder: Path):
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert {*named, "kustomization.yaml"} == {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_field_is_one_of_kubernetes(folder: Path):
    for one in objects(folder):
        if "monitoring.coreos.com" not in one["apiVersion"]:
            kind = {"Role": "V1Role", "ClusterRole": "V1ClusterRole"}.get(
                one["kind"], f"V1{one['kind']}"
            )
            assert list(structure.flaws(one, kind)) == []


def test_the_role_is_that_of_the_installer():
    assert of_kind("base", "ClusterRole") == installation.role()
    binding = of_kind("base", "ClusterRoleBinding")
    assert binding == installation.binding("kubeflow")


def test_a_namespace_gets_the_label_of_the_installer():
    labels = of_kind("overlays/team", "Namespace")["metadata"]["labels"]
    assert labels == installation.namespace_patch(is_injecting=True)["metadata"]["labels"]


def test_a_trial_driver_may_do_what_it_does_and_no_more():
    rules = of_kind("overlays/team", "Role")["rules"]
    rights = {(rule["resources"][0], verb) for rule in rules for verb in rule["verbs"]}
    verbs = ("get", "create", "delete")
    assert rights == {("pods", "list"), *(("inferenceservices", verb) for verb in verbs)}
    account = of_kind("overlays/team", "ServiceAccount")["metadata"]["name"]
    jobs = [one for one in EXAMPLES if one.is_job]
    assert jobs
    for example in jobs:
        text = (ROOT / "examples" / example.place).read_text()
        assert f"serviceAccountName: {account} " in text


def test_alerts_and_scraping_name_metrics_that_exist():
    metrics = (ROOT / "suggestion/metrics.py").read_text()
    text = (DEPLOY / "overlays/prometheus-operator/prometheus-rule.yaml").read_text()
    named = set(re.findall(r"(morphling_\w+?)(?:_total|_bucket)?\{|(morphling_\w+?)_total", text))
    for name in {one or other for one, other in named}:
        assert f'"{name}"' in metrics
    (scrape,) = yaml.safe_load((DEPLOY / "prometheus/scrape-config.yaml").read_text())
    assert scrape["relabel_configs"][1]["replacement"] == "$1:8080"
