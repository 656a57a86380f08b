import ast
import json
from pathlib import Path

from benchmarks.load_generator.model_folders import (
    MODEL,
    write_mlserver_folder,
    write_triton_repository,
)


def _classes(code: Path) -> list[str]:
    tree = ast.parse(code.read_text())
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def test_mlserver_finds_the_class_that_the_settings_name(tmp_path: Path) -> None:
    write_mlserver_folder(tmp_path)
    settings = json.loads((tmp_path / "model-settings.json").read_text())
    module, name = settings["implementation"].split(".")
    assert settings["name"] == MODEL
    assert name in _classes(tmp_path / f"{module}.py")


def test_triton_finds_the_class_that_it_looks_for(tmp_path: Path) -> None:
    write_triton_repository(tmp_path)
    assert f'name: "{MODEL}"' in (tmp_path / MODEL / "config.pbtxt").read_text()
    assert _classes(tmp_path / MODEL / "1" / "model.py") == ["TritonPythonModel"]
