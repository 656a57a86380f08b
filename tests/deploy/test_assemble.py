"""File trees of the images: what is asked of pip, and what the smoke test finds.

``make image-trees`` assembles them whole, which needs a package index.
"""

import re
from pathlib import Path

import pytest

from deploy.assemble import ROOT, AssemblyError, assemble, requirements, sizes
from deploy.images import IMAGES, Image
from deploy.smoke_test import SmokeTestError, smoke_test

CONTAINERFILE = (ROOT / "deploy/Containerfile").read_text()
TOOL = Image(packages=(), extras=(), programs=("tool",), absent=("scipy",))


def tree_with(folder: Path, program: str) -> Path:
    (folder / "bin").mkdir()
    (folder / "bin" / "tool").write_text(program)
    return folder


@pytest.mark.parametrize(
    ("machine", "name"), [("x86_64", "tensorflow-cpu"), ("aarch64", "tensorflow")]
)
def test_tensorflow_comes_without_code_for_gpus(machine: str, name: str):
    pinned = re.search(r"^tensorflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.M)
    assert pinned is not None
    wanted = requirements(IMAGES["suggestion-maml"], Path("/src"), machine)
    assert wanted == ["/src[suggestion]", f"{name}=={pinned[1]}"]
    assert requirements(IMAGES["suggestion"], Path("/src"), machine) == ["/src[suggestion]"]


def test_a_folder_in_use_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(AssemblyError, match="must be empty or new"):
        assemble(IMAGES["suggestion"], tmp_path)


def test_a_good_tree_passes(tmp_path: Path):
    smoke_test(TOOL, tree_with(tmp_path, "import sys; sys.exit(sys.argv[1:] != ['--help'])"))


@pytest.mark.parametrize(
    ("program", "reason"),
    [("raise SystemExit('broken')", "ended with 1: broken"), ("import yaml", "No module named")],
)
def test_a_program_that_does_not_work_is_found(tmp_path: Path, program: str, reason: str):
    with pytest.raises(SmokeTestError, match=reason):
        smoke_test(TOOL, tree_with(tmp_path, program))


def test_what_must_not_be_there_is_found(tmp_path: Path):
    tree = tree_with(tmp_path, "")
    (tree / "scipy").mkdir()
    with pytest.raises(SmokeTestError, match="must hold no scipy"):
        smoke_test(TOOL, tree)


def test_sizes(tmp_path: Path):
    (tmp_path / "zeros").write_bytes(bytes(3 * 2**20))
    size, compressed = sizes(tmp_path)
    assert size == 3
    assert 0 < compressed < 0.1


@pytest.mark.parametrize("name", IMAGES)
def test_each_image_has_a_target_and_an_unprivileged_user(name: str):
    assert f"RUN python -m deploy.assemble {name} /tree" in CONTAINERFILE
    target = CONTAINERFILE.split(f"FROM base AS {name}\n")[1].split("FROM ")[0]
    program = IMAGES[name].programs[0]
    assert f"COPY --from={name}-tree /tree /morphling\n" in target
    assert f'ENTRYPOINT ["{program}"]' in target
    assert "USER 65532:65532" in CONTAINERFILE.split("AS base")[1].split("FROM ")[0]


def test_the_build_context_holds_what_the_images_take():
    ignored = (ROOT / "deploy/Containerfile.dockerignore").read_text()
    assert ignored == (ROOT / ".containerignore").read_text()
    packages = {package for image in IMAGES.values() for package in image.packages}
    for name in (*packages, "deploy", "constraints.txt", "setup.cfg"):
        assert f"\n!{name}\n" in ignored
