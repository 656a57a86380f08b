"""What each image holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Image:
    """An image's file tree.

    Attributes:
        packages: Ours, copied from the sources.
        extras: Ours, whose dependencies are installed.
        programs: Command lines.
        absent: Packages whose presence would be a mistake.
        has_tensorflow: Whether TensorFlow is installed as well.
    """

    packages: tuple[str, ...]
    extras: tuple[str, ...]
    programs: tuple[str, ...]
    absent: tuple[str, ...]
    has_tensorflow: bool = False

    @property
    def serves(self) -> bool:
        """Whether it holds the suggestion service."""
        return "suggestion" in self.packages


_SERVICE = ("protos", "suggestion")
_NO_CLUSTER = ("kubernetes", "kubeflow", "matplotlib", "load_generator", "cluster")
_NO_SEARCH = ("tensorflow", "scipy", "suggestion", "kubeflow", "matplotlib")

IMAGES: Mapping[str, Image] = MappingProxyType(
    {
        "suggestion": Image(
            packages=_SERVICE,
            extras=("suggestion",),
            programs=("morphling-suggestion",),
            absent=(*_NO_CLUSTER, "tensorflow"),
        ),
        "suggestion-maml": Image(
            packages=_SERVICE,
            extras=("suggestion",),
            programs=("morphling-suggestion",),
            absent=_NO_CLUSTER,
            has_tensorflow=True,
        ),
        "load-generator": Image(
            packages=("protos", "load_generator", "metrics_collector"),
            extras=("load-generator", "metrics-collector"),
            programs=("morphling-load-generator", "morphling-metrics-collector"),
            absent=(*_NO_SEARCH, "kubernetes"),
        ),
        "trial-driver": Image(
            packages=("protos", "load_generator", "metrics_collector", "cluster", "trial_driver"),
            extras=("trial-driver",),
            programs=("morphling-trial-driver", "morphling-load-generator"),
            absent=_NO_SEARCH,
        ),
    }
)
