"""The library: what other services taught, as one file that ships with the suggestion service.

It holds simulated services, as the parameters of the simulator, and profile tables, as they are;
both become particles on the grid of an Experiment when one is searched.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from suggestion.errors import ArtifactError
from suggestion.serving_simulator import ServiceParameters
from suggestion.table_warping import Tables

FORMAT_VERSION = 1
SHIPPED = Path(__file__).parent / "data" / "library.npz"
FIELDS = tuple(field.name for field in fields(ServiceParameters))


@dataclass(frozen=True)
class TableGroup:
    """Tables on one grid.

    Attributes:
        knobs: Canonical knob to its levels, in the order of the tables' axes.
        tables: Speeds and where they run.
        price: Per hour, shape ``[N]``; None when unknown.
    """

    knobs: Mapping[str, tuple[str, ...]]
    tables: Tables
    price: NDArray[np.float64] | None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(levels) for levels in self.knobs.values())


@dataclass(frozen=True)
class Library:
    """Prior services.

    Attributes:
        simulated: Parameters of P simulated services, shape ``[P, len(FIELDS)]``; P may be 0.
        groups: Profile tables by their grids.
    """

    simulated: NDArray[np.float32]
    groups: tuple[TableGroup, ...]

    def save(self, path: Path) -> None:
        """Writes the file; equal libraries give equal bytes."""
        arrays: dict[str, NDArray[np.generic]] = {"simulated": self.simulated}
        header = {"format_version": FORMAT_VERSION, "fields": FIELDS, "groups": []}
        for index, group in enumerate(self.groups):
            header["groups"].append({knob: list(levels) for knob, levels in group.knobs.items()})  # type: ignore[attr-defined]
            arrays[f"speed{index}"] = group.tables.speed.astype(np.float16)
            arrays[f"runs{index}"] = np.packbits(group.tables.runs, axis=1)
            if group.price is not None:
                arrays[f"price{index}"] = group.price
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Library":
        """Reads the file.

        Raises:
            ArtifactError: it cannot be read, or is no library of this format.
        """
        try:
            with path.open("rb") as opened, np.load(opened) as file:
                header = json.loads(bytes(file["header"]))
                if header["format_version"] != FORMAT_VERSION or header["fields"] != list(FIELDS):
                    raise ValueError(f"format {FORMAT_VERSION} is read, not {header}")
                groups = tuple(_group(file, i, grid) for i, grid in enumerate(header["groups"]))
                return cls(file["simulated"], groups)
        except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile) as error:
            raise ArtifactError(
                f"A library must be a file that `meta_training library` wrote, but {path} is not: "
                f"{error}"
            ) from error


def _group(
    file: Mapping[str, NDArray[np.generic]], index: int, grid: dict[str, list[str]]
) -> TableGroup:
    knobs = {knob: tuple(levels) for knob, levels in grid.items()}
    speed = np.asarray(file[f"speed{index}"], dtype=np.float32)
    size = int(np.prod([len(levels) for levels in knobs.values()]))
    runs = np.unpackbits(np.asarray(file[f"runs{index}"], dtype=np.uint8), axis=1, count=size)
    price = f"price{index}"
    return TableGroup(
        knobs,
        Tables(speed, runs.astype(np.bool_)),
        np.asarray(file[price], dtype=np.float64) if price in file else None,
    )
