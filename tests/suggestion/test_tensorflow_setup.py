import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")

CODE = """
import sys
import suggestion.maml
assert "tensorflow" not in sys.modules
from suggestion.tensorflow_setup import set_up_tensorflow
set_up_tensorflow()
import tensorflow as tf
assert "keras" not in sys.modules and "pandas" not in sys.modules
assert tf.constant(1) + 1 == 2
"""


def test_tensorflow_comes_when_asked_for_and_brings_no_keras() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
