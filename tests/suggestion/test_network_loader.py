"""The network is checked at once and loaded beside."""

import importlib.util
import threading
from pathlib import Path

import pytest

from suggestion.checkpoint import META_WEIGHTS
from suggestion.errors import ArtifactError
from suggestion.network_loader import NetworkLoader


def test_preparing_does_not_wait_for_the_network(monkeypatch: pytest.MonkeyPatch):
    loaded, may_load = threading.Event(), threading.Event()

    def slow(path: Path) -> str:
        may_load.wait(10)
        loaded.set()
        return f"network of {path.name}"

    monkeypatch.setattr("suggestion.network_loader.MamlSurrogate.load", slow)
    loader = NetworkLoader(META_WEIGHTS)
    loader.prepare()
    assert not loaded.is_set()
    may_load.set()
    assert loader() == loader() == "network of meta_weights.npz"


def test_unusable_weights_are_found_at_once(tmp_path: Path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"nothing")
    for path in (broken, tmp_path / "none.npz"):
        with pytest.raises(ArtifactError, match=path.name):
            NetworkLoader(path).prepare()
        with pytest.raises(ArtifactError, match=path.name):
            NetworkLoader(path)()


def test_a_missing_tensorflow_is_found_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ArtifactError, match="No module named 'tensorflow'"):
        NetworkLoader(META_WEIGHTS).prepare()
