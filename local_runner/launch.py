"""Turns a pod into local processes: paths, ports, addresses and cores of this machine.

A pod has its own file system and network; a process here shares them with all others. So mount
paths become folders of the trial, declared container ports become free ports, and the address of
Katib's database becomes ours, wherever these stand in command, args and env.
"""

import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from local_runner.experiment import Experiment
from local_runner.machine import Image, Machine
from local_runner.pod import MODEL_MOUNT, SERVER_CONTAINER, Container, Pod

_DB_MANAGER = re.compile(r"katib-db-manager(\.[a-z0-9.-]+)?:6789\b")


class LaunchError(ValueError):
    """The pod cannot be run on this machine; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class ContainerLaunch:
    """One process to start; ``cores`` is None where the platform has no affinity."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    cores: tuple[int, ...]
    log_path: Path

    @property
    def is_server(self) -> bool:
        return self.name == SERVER_CONTAINER


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """Everything that a trial needs on disk, and its processes.

    Attributes:
        containers: In the order of starting.
        folders: To create, parents included.
        copies: Source folder and target folder, to copy.
        result_path: Where the load test leaves its result.
    """

    containers: tuple[ContainerLaunch, ...]
    folders: tuple[Path, ...]
    copies: tuple[tuple[Path, Path], ...]
    result_path: Path


@dataclass(frozen=True)
class Place:
    """Where a trial runs.

    Attributes:
        folder: The trial's own folder.
        db_address: ``host:port`` of the embedded DBManager.
        cores: Cores of the machine, this slot's first.
        allot_port: Returns a free port at each call.
    """

    folder: Path
    db_address: str
    cores: Sequence[int]
    allot_port: Callable[[], int]


def plan_trial(experiment: Experiment, pod: Pod, machine: Machine, place: Place) -> TrialPlan:
    """Plans the processes of a pod.

    Raises:
        LaunchError: a command, or a model's storage, is not on this machine.
    """
    volumes = place.folder / "volumes"
    ports = {port: place.allot_port() for c in pod.containers for port in c.ports}
    server_cores = _server_cores(pod, place.cores)
    launches, copies = [], []
    folders = {place.folder}
    for container in pod.containers:
        mounts = {mount: volumes / name for mount, name in container.mounts.items()}
        folders |= {*mounts.values(), place.folder / container.name}
        if container.storage_uri:
            copies.append((_storage(machine, container.storage_uri), mounts[MODEL_MOUNT]))
        is_server = container.name == SERVER_CONTAINER
        rest = tuple(core for core in place.cores if core not in server_cores)
        localize = _Localizer(mounts, ports, place.db_address)
        image = machine.images.get(container.image, Image())
        env = _environment(container, image, localize, place.folder / container.name)
        launches.append(
            ContainerLaunch(
                name=container.name,
                argv=_argv(container, localize, env["PATH"]),
                env=env,
                cwd=place.folder / container.name,
                cores=server_cores if is_server else rest or server_cores,
                log_path=place.folder / f"{container.name}.log",
            )
        )
    path = PurePosixPath(experiment.spec.metrics_collector_spec.source.file_system_path.path)
    return TrialPlan(
        containers=tuple(launches),
        folders=tuple(sorted(folders)),
        copies=tuple(copies),
        result_path=volumes / "metrics-volume" / path.name,
    )


@dataclass(frozen=True)
class _Localizer:
    """Rewrites one text of a container for this machine."""

    mounts: Mapping[str, Path]
    ports: Mapping[int, int]
    db_address: str

    def __call__(self, text: str) -> str:
        text = _DB_MANAGER.sub(self.db_address, text)
        for port, local in self.ports.items():
            # A whole number that stands alone or where an address has its port.
            text = re.sub(rf"(?<![\w.-]){port}(?![\w.])", f"\0{local}\0", text)
        text = text.replace("\0", "")
        for mount, folder in self.mounts.items():
            text = re.sub(rf"(?<![\w./-]){re.escape(mount)}(?![\w.-])", str(folder), text)
        return text


def _server_cores(pod: Pod, cores: Sequence[int]) -> tuple[int, ...]:
    millicores = pod.containers[0].cpu_millicores
    # Affinity knows whole cores only; a fraction is rounded up.
    count = math.ceil(millicores / 1000) if millicores else len(cores)
    return tuple(cores[: max(1, count)])


def _storage(machine: Machine, uri: str) -> Path:
    folder = machine.storage.get(uri)
    if folder is None:
        raise LaunchError(f"local.yaml must say under `storage` where {uri} is, but does not.")
    if not folder.is_dir():
        raise LaunchError(
            f"The model of {uri} must be where local.yaml says under `storage`, but the folder "
            f"{folder} is missing."
        )
    return folder


def _environment(
    container: Container, image: Image, localize: _Localizer, home: Path
) -> dict[str, str]:
    """What a container would see: nothing of ours but PATH and the locale."""
    # Commands of our own images are installed beside the interpreter that runs this.
    paths = [*map(str, image.path), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    env = {
        "PATH": os.pathsep.join(paths),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PYTHONUNBUFFERED": "1",
    }
    return env | dict(image.env) | {k: localize(v) for k, v in container.env.items()}


def _argv(container: Container, localize: _Localizer, path: str) -> tuple[str, ...]:
    if not container.command:
        raise LaunchError(
            f"{container.name} must have a command, since an image's own entry point "
            f"cannot be read here, but {container.image!r} is given alone."
        )
    argv = tuple(localize(text) for text in (*container.command, *container.args))
    executable = shutil.which(argv[0], path=path)
    if executable is None:
        raise LaunchError(
            f"{argv[0]} must be on this machine for {container.name}: local.yaml can say under "
            f"`images` where {container.image!r} keeps it."
        )
    return (executable, *argv[1:])
