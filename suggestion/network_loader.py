"""Loads the network of ``maml`` once, without keeping a validation waiting for TensorFlow."""

import contextlib
import importlib.util
import threading
from pathlib import Path

from suggestion.checkpoint import Checkpoint
from suggestion.errors import ArtifactError
from suggestion.maml import MamlSurrogate


class NetworkLoader:
    """Gives the network; whoever comes first loads it, which takes seconds.

    Args:
        meta_weights: File of the network.
    """

    def __init__(self, meta_weights: Path) -> None:
        self._meta_weights = meta_weights
        self._network: MamlSurrogate | None = None
        self._is_checked = False
        self._lock = threading.Lock()

    def __call__(self) -> MamlSurrogate:
        """The network.

        Raises:
            ArtifactError: the meta-weights are unusable, or TensorFlow is not installed.
        """
        with self._lock:
            if self._network is None:
                try:
                    self._network = MamlSurrogate.load(self._meta_weights)
                except (ImportError, OSError, ValueError) as error:
                    raise _unusable(error) from error
            return self._network

    def prepare(self) -> None:
        """Checks what can be checked at once, and loads in the background.

        The paper's initial points need no network, so that no request will wait for it.

        Raises:
            ArtifactError: the meta-weights are unusable, or TensorFlow is not installed.
        """
        if self._is_checked:
            return
        if importlib.util.find_spec("tensorflow") is None:
            raise _unusable(ModuleNotFoundError("No module named 'tensorflow'"))
        try:
            Checkpoint.load(self._meta_weights)
        except (OSError, ValueError) as error:
            raise _unusable(error) from error
        self._is_checked = True
        # No daemon: ending the process in the middle of TensorFlow's start would abort it.
        threading.Thread(target=self._load, name="load-network").start()

    def _load(self) -> None:
        # Whoever needs the network will try again and report why.
        with contextlib.suppress(ArtifactError):
            self()


def _unusable(error: Exception) -> ArtifactError:
    return ArtifactError(f"surrogate maml cannot be loaded: {error}")
