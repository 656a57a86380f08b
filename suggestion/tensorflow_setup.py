"""TensorFlow as a small service needs it: on one thread, without Keras, in little memory."""

import os
import sys

# Read when TensorFlow is imported. Its networks here are so small that threads only wait for each
# other. Keras is not used, but would be imported with all it can find (pandas, matplotlib): the old
# one is asked for, which is not installed, and 160 MiB and half the time of the import are saved.
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_USE_LEGACY_KERAS": "1",
}


def set_up_tensorflow() -> None:
    """Imports TensorFlow; does nothing when that has been done.

    Raises:
        ImportError: It is not installed.
    """
    if "tensorflow" in sys.modules:
        return
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import tensorflow  # noqa: F401
