"""What this machine has in place of a registry and a model store: ``local.yaml``."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from local_runner.experiment import flaws


class MachineError(ValueError):
    """``local.yaml`` has flaws; the message lists them."""


class Image(BaseModel):
    """How to run an image's commands here.

    Attributes:
        path: Folders put in front of PATH.
        env: Environment that the image would set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: tuple[Path, ...] = ()
    env: Mapping[str, str] = {}


class Machine(BaseModel):
    """Where images and models are found; relative paths start at the file's folder.

    Attributes:
        images: Image name to what runs it.
        storage: Storage URI to the folder that holds the model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    images: Mapping[str, Image] = {}
    storage: Mapping[str, Path] = {}


def load_machine(path: Path) -> Machine:
    """Reads ``local.yaml``; a missing file is an empty machine.

    Raises:
        MachineError: the file cannot be read or has flaws.
    """
    if not path.exists():
        return Machine()
    try:
        machine = Machine.model_validate(yaml.safe_load(path.read_text()) or {})
    except ValidationError as error:
        lines = "\n".join(f"  {line}" for line in flaws(error.errors()))
        raise MachineError(f"{path} has flaws:\n{lines}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MachineError(f"{path} must be a readable YAML file, but: {error}") from None
    folder = path.parent.resolve()
    images = {
        name: Image(path=tuple(folder / entry for entry in image.path), env=image.env)
        for name, image in machine.images.items()
    }
    storage = {uri: folder / place for uri, place in machine.storage.items()}
    return Machine(images=images, storage=storage)
