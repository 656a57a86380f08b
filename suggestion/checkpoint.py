"""Meta-weights as a file: arrays of numbers and what they were trained for, nothing executable."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np

from suggestion.knob_features import ENCODING_VERSION, NUM_FEATURES
from suggestion.meta_model import Array32

KNOBS = ("cpu_cores", "gpu_memory_percent", "gpu_time_percent", "gpu_type", "batch_size")
META_WEIGHTS = Path(__file__).parent / "data" / "meta_weights.npz"
_ABOUT = "about"
_PARTS = ("weights", "rates")


@dataclass(frozen=True)
class Checkpoint:
    """What meta-training hands to the search.

    Attributes:
        parameters: Arrays by ``weights/<name>``, ``rates/<name>`` and ``head/<name>``; the first
            axis counts the members of the ensemble.
        num_steps: Steps of the inner loop.
        is_continued: Whether a round goes on from the weights of the round before; otherwise each
            starts at the meta-weights.
        knobs: Canonical knobs that the features are made of.
        encoding_version: Version of ``knob_features.encode``.
    """

    parameters: Mapping[str, Array32]
    num_steps: int
    is_continued: bool = False
    knobs: tuple[str, ...] = KNOBS
    encoding_version: int = ENCODING_VERSION

    def __post_init__(self) -> None:
        if self.encoding_version != ENCODING_VERSION:
            raise ValueError(
                f"meta-weights must be of encoding version {ENCODING_VERSION}, but are of "
                f"{self.encoding_version}: train them anew."
            )
        kernel = self.parameters["weights/kernel_in"]
        if kernel.shape[1] != NUM_FEATURES:
            raise ValueError(
                f"weights/kernel_in must have {NUM_FEATURES} inputs, but has {kernel.shape[1]}."
            )

    def part(self, name: str) -> dict[str, Array32]:
        """The arrays of ``weights``, ``rates`` or ``head``, by their own names."""
        prefix = f"{name}/"
        return {k[len(prefix) :]: v for k, v in self.parameters.items() if k.startswith(prefix)}

    def save(self, path: Path) -> None:
        """Writes the file as a whole, or not at all."""
        about = {
            "num_steps": self.num_steps,
            "is_continued": self.is_continued,
            "knobs": list(self.knobs),
            "encoding_version": self.encoding_version,
        }
        save_arrays(path, self.parameters, about)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file that ``save`` wrote.

        Raises:
            ValueError: The file holds no meta-weights, or those of another encoding.
        """
        arrays, about = load_arrays(path)
        missing = [part for part in _PARTS if not any(k.startswith(f"{part}/") for k in arrays)]
        if missing:
            raise ValueError(f"meta-weights must have {', '.join(_PARTS)}, but {path} lacks some.")
        about["knobs"] = tuple(about["knobs"])
        return cls(parameters=arrays, **about)


def save_arrays(path: Path, arrays: Mapping[str, Array32], about: Mapping[str, object]) -> None:
    """Writes arrays and a JSON object beside them; an interruption leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8)
        members: dict[str, Any] = {_ABOUT: text, **arrays}
        np.savez_compressed(file, **members)
    partial.replace(path)


def load_arrays(path: Path) -> tuple[dict[str, Array32], dict[str, Any]]:
    """Reads what ``save_arrays`` wrote.

    Raises:
        ValueError: The file is of another kind.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(arrays.pop(_ABOUT).tobytes())
    except (BadZipFile, KeyError, EOFError, ValueError) as error:
        raise ValueError(f"a file of meta-weights is expected, but {path} is none.") from error
    return arrays, about
