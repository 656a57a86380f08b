"""What a set-up installs, and that the README tells the truth about files and commands."""

import re
from importlib.metadata import distribution, requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"tensorflow", "kubeflow-katib", "kubernetes", "scipy", "matplotlib"}


def requirements(extra: str) -> set[str]:
    """Names that an extra needs, our own extras followed, the base included."""
    names: set[str] = set()
    for line in requires("morphling-katib") or []:
        requirement, _, marker = line.partition(";")
        wanted = re.findall(r'extra == "([^"]+)"', marker)
        if wanted and extra not in wanted:
            continue
        name = re.split(r"[<>=!\[ ]", requirement, maxsplit=1)[0]
        if name == "morphling-katib":
            for inner in re.findall(r"\[(.+)\]", requirement)[0].split(","):
                names |= requirements(inner)
        else:
            names.add(name)
    return names


@pytest.mark.parametrize("extra", ["load-generator", "metrics-collector"])
def test_the_sidecars_are_light(extra: str):
    assert requirements(extra).isdisjoint(HEAVY)


def test_the_service_needs_no_tensorflow_and_no_cluster():
    assert requirements("suggestion").isdisjoint(HEAVY - {"scipy"})


def test_developers_get_everything_in_one_environment():
    assert requirements("dev") >= HEAVY
    assert version("kubeflow-katib").startswith("0.19.")
    assert int(version("protobuf").split(".")[0]) < 5


def test_what_is_installed_is_what_the_constraints_say():
    lines = re.findall(r"^(.+)==(.+)$", (ROOT / "constraints.txt").read_text(), re.M)
    pinned = {name.lower().replace("_", "-"): pin for name, pin in lines}
    for name in requirements("dev"):
        assert pinned[name.lower()] == version(name), name


def test_every_command_has_its_script():
    scripts = {e.name: e.load() for e in distribution("morphling-katib").entry_points}
    assert set(scripts) == {
        "morphling",
        "morphling-suggestion",
        "morphling-load-generator",
        "morphling-metrics-collector",
        "morphling-local-runner",
        "morphling-trial-driver",
        "morphling-meta-training",
    }
    for name, function in scripts.items():
        with pytest.raises(SystemExit) as caught:
            function(["--help"])
        assert caught.value.code == 0, name


@pytest.mark.parametrize("document", ["README.md", "benchmarks/README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(document: str):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_make_targets_in_the_readme_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    for target in re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()):
        assert target in targets


def test_every_dependency_is_justified_in_the_readme():
    table = (ROOT / "README.md").read_text().split("Why each dependency is there")[1]
    for name in requirements("dev"):
        assert re.search(rf"\b{re.escape(name)}\b", table), name
