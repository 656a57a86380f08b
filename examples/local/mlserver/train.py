"""Trains the example's model into a folder: ``python train.py FOLDER``.

A random forest of 300 trees on scikit-learn's digits: one row takes about as long as sixty, because
walking the trees costs a fixed overhead a call, so the batch size matters as it does on a GPU.
"""

import json
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pixels, digits = load_digits(return_X_y=True)
    model = RandomForestClassifier(n_estimators=300, random_state=0)
    model.fit(pixels, digits)
    joblib.dump(model, folder / "model.joblib")
    settings = {
        "name": "digits",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
        # Declared, so that a load generator can make its own requests: 16 images each.
        "inputs": [{"name": "predict", "datatype": "FP32", "shape": [16, 64]}],
    }
    (folder / "model-settings.json").write_text(json.dumps(settings, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
