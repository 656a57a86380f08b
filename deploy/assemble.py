"""Assembles the file tree of an image, starts its programs from it and states its size.

The Containerfile runs this too, so that what is tested without a container engine is what an image
holds. It needs nothing but Python and pip.
"""

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.images import IMAGES, Image
from deploy.smoke_test import SmokeTestError, smoke_test

ROOT = Path(__file__).parents[1]
_CONSTRAINTS = ROOT / "constraints.txt"
# What setuptools reads beside the packages.
_METADATA = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
# For compiling against TensorFlow, its parser of C, and what others need for their own builds and
# tests: half of a tree that no program here reads.
_UNUSED = ("tensorflow/include", "clang", "setuptools", "_distutils_hack", "pbr")
_UNUSED_PATTERNS = ("*/**/tests", "distutils-precedence.pth", "**/*.pyx", "**/*.pxd")
_MIB = 2**20


class AssemblyError(Exception):
    """The tree cannot be assembled."""


def assemble(image: Image, tree: Path) -> None:
    """Installs an image's packages and programs into a new folder.

    Args:
        image: What to install.
        tree: The folder; it must not exist or be empty.

    Raises:
        AssemblyError: pip failed, or the folder is in use.
    """
    if tree.exists() and any(tree.iterdir()):
        raise AssemblyError(f"The folder must be empty or new, but {tree} is not.")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        for name in image.packages:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        for name in _METADATA:
            shutil.copy(ROOT / name, source)
        _install(requirements(image, source, platform.machine()), tree)
    _strip(tree)
    # Dependencies bring programs of their own, and setup.cfg those of packages that are not here.
    for program in (tree / "bin").iterdir():
        if program.name not in image.programs:
            program.unlink()


def _strip(tree: Path) -> None:
    unused = [tree / name for name in _UNUSED]
    unused += [path for pattern in _UNUSED_PATTERNS for path in tree.glob(pattern)]
    for path in unused:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def requirements(image: Image, source: Path, machine: str) -> list[str]:
    """What pip is asked for.

    Args:
        image: What to install.
        source: Folder with our packages.
        machine: As ``platform.machine`` names it.
    """
    wanted = [f"{source}[{','.join(image.extras)}]"]
    if image.has_tensorflow:
        pin = re.search(r"^tensorflow==(.+)$", _CONSTRAINTS.read_text(), re.MULTILINE)
        if pin is None:
            raise AssemblyError("constraints.txt must pin tensorflow, but does not.")
        # The same without code for GPUs, which is two thirds of it; only Intel's needs telling.
        name = "tensorflow-cpu" if machine == "x86_64" else "tensorflow"
        wanted.append(f"{name}=={pin[1]}")
    return wanted


def sizes(tree: Path) -> tuple[float, float]:
    """MiB of a folder as it lies on the disk of a node, and compressed as a node pulls it."""
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
            archive.add(tree, arcname=".")
        compressed = file.tell()
    return sum(path.stat().st_size for path in files) / _MIB, compressed / _MIB


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    arguments = _parser().parse_args(argv)
    image = IMAGES[arguments.image]
    try:
        assemble(image, arguments.tree)
        smoke_test(image, arguments.tree)
    except (AssemblyError, SmokeTestError, OSError) as error:
        print(f"assemble: {error}", file=sys.stderr)
        return 1
    size, compressed = sizes(arguments.tree)
    print(f"{arguments.image}: {size:.0f} MiB, {compressed:.0f} MiB compressed")
    return 0


def _install(wanted: Sequence[str], tree: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore"]
    command += ["--constraint", str(_CONSTRAINTS), "--target", str(tree), *wanted]
    if subprocess.run(command, check=False).returncode:
        raise AssemblyError("pip must be able to install the packages, but failed: see above.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.assemble",
        description="Assembles the file tree of an image, starts its programs from it and states "
        "its size.",
        epilog="exit codes: 0 assembled and its programs work; 1 the reason why not; 2 wrong usage",
    )
    parser.add_argument("image", choices=IMAGES)
    parser.add_argument("tree", type=Path, metavar="FOLDER", help="an empty or a new folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
