"""Makes the example's model repository and Triton's launcher: ``python train.py REPOSITORY``.

The model is a random forest on scikit-learn's digits behind Triton's Python backend. The PyPI
package nvidia-pytriton brings the server itself, which needs three things before it runs outside
NVIDIA's image: the Python backend's stub for this Python, its own libraries, and this environment's
packages. A launcher named ``tritonserver`` beside this interpreter sees to them.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

_HERE = Path(__file__).parent


def train(repository: Path) -> None:
    """Writes the model's folder: config.pbtxt, version 1 with model.py and the forest."""
    version = repository / "digits" / "1"
    version.mkdir(parents=True, exist_ok=True)
    pixels, digits = load_digits(return_X_y=True)
    forest = RandomForestClassifier(n_estimators=300, random_state=0).fit(pixels, digits)
    joblib.dump(forest, version / "forest.joblib")
    shutil.copy(_HERE / "model" / "model.py", version)
    shutil.copy(_HERE / "model" / "config.pbtxt", repository / "digits")


def install_launcher() -> None:
    """Writes the launcher and puts the stub where the Python backend looks for it."""
    packages = Path(sysconfig.get_paths()["purelib"])
    server = packages / "pytriton" / "tritonserver"
    stub = f"python_backend_stubs/{sysconfig.get_python_version()}/triton_python_backend_stub"
    shutil.copy(server / stub, server / "backends" / "python")
    libraries = f"{packages / 'nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}"
    launcher = Path(sys.executable).with_name("tritonserver")
    launcher.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={libraries}:$LD_LIBRARY_PATH PYTHONPATH={packages}\n"
        f'exec {server}/bin/tritonserver --backend-directory={server}/backends "$@"\n'
    )
    launcher.chmod(0o755)


if __name__ == "__main__":
    train(Path(sys.argv[1]))
    install_launcher()
