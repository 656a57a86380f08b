"""Services to tune that no library was built from: 42 published models, and random production ones.

``models.csv`` holds the facts, one row a model, with a public source each:

============= ======================================================================================
gflop         work of a request, 10^9 FLOP, multiply and add counted apart
weights_mb    weights that a batch reads (FP32)
embeddings_mb embedding tables: in memory, but of them a request reads a few rows only
activations_mb outputs of all layers of a request (FP32)
live_mb       the largest layer's input and output
request_kb    input: an image of bytes, or 128 tokens
kernels       launched a batch: 3.3 a convolution of a plain CNN, 22 an EfficientNet block, 6.6 a
              Transformer layer; fitted to the measurements below
passes        times that the activations cross the memory bus
efficiency    of the card's attainable FLOP/s
cpu_ms        parsing, pre-processing and RPC on one core; estimated, since nobody publishes it
============= ======================================================================================

Calibration (``tests/benchmarks/search_cost/test_services.py`` holds the figures), all from the
READMEs of NVIDIA/DeepLearningExamples, FP32: ResNet-50 in TensorFlow on T4 and V100; BERT base and
large in TensorFlow 2 at 128 tokens on T4 and V100; EfficientNet B0 and B4 on V100. Depthwise CNNs
are bound by bandwidth: B0 and B4 take 0.3 and 2.4 ms an image, 9 passes over their activations.
Narrow Transformers (hidden size 128 to 512) and separable convolutions fill a card badly; their
efficiencies are estimates. NNLM, Word2vec and USE's averaging network have no GPU work to speak of:
their CPU time sets their rate.
"""

import csv
import zlib
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from suggestion.serving_simulator import ServiceParameters

SLO_SECONDS = 1.0
_DISPATCH_SECONDS = 28e-6
_RUNTIME_BYTES = 3.5e8


@dataclass(frozen=True)
class Service:
    """A named service.

    Attributes:
        name: Of the model.
        family: Of models that resemble each other.
        parameters: What the simulator needs.
    """

    name: str
    family: str
    parameters: ServiceParameters


def published_models() -> list[Service]:
    """The 42 models of 15 families that the Morphling paper serves (its Table 1)."""
    text = (files("benchmarks.search_cost") / "models.csv").read_text(encoding="utf-8")
    return [_from_facts(row) for row in csv.DictReader(text.splitlines())]


def _from_facts(row: dict[str, str]) -> Service:
    fact = {name: float(row[name]) for name in row if name not in ("model", "family", "source")}
    is_cnn = fact["request_kb"] > 100
    # What nobody publishes differs between models in a way that is fixed by the model's name.
    rng = np.random.default_rng(zlib.crc32(row["model"].encode()))
    parameters = ServiceParameters(
        flop=max(fact["gflop"] * 1e9, 1e5),
        weight_bytes=fact["weights_mb"] * 1e6,
        activation_bytes=fact["activations_mb"] * 1e6 * fact["passes"],
        live_bytes=fact["live_mb"] * 1e6,
        request_bytes=fact["request_kb"] * 1e3,
        num_kernels=fact["kernels"],
        dispatch_seconds=_DISPATCH_SECONDS,
        cpu_seconds=fact["cpu_ms"] * 1e-3 * float(np.exp(0.3 * rng.standard_normal())),
        contention=float(rng.uniform(0.02, 0.2)),
        coherence=float(rng.uniform(0.001, 0.015)),
        efficiency=fact["efficiency"],
        # Embedding tables stay in memory like the framework itself.
        runtime_bytes=_RUNTIME_BYTES + fact["embeddings_mb"] * 1e6,
        # cuDNN's fast convolutions need scratch memory, matrix products hardly any.
        workspace_bytes=2e8 if is_cnn else 3e7,
        slow_kernels=float(rng.uniform(1.15, 1.5)) if is_cnn else 1.1,
        slo_seconds=SLO_SECONDS,
    )
    return Service(row["model"], row["family"], parameters)


def production_service(rng: np.random.Generator, number: int) -> Service:
    """A plausible service of a company's own: a CNN on decoded images, or a small Transformer."""
    if rng.random() < 0.6:
        return Service(f"vision-{number}", "vision", _production_cnn(rng))
    return Service(f"language-{number}", "language", _production_transformer(rng))


def _production_cnn(rng: np.random.Generator) -> ServiceParameters:
    """A published CNN at another width and resolution, behind a JPEG decoder."""
    backbones = [s for s in published_models() if s.parameters.request_bytes > 1e5]
    backbone = backbones[rng.integers(len(backbones))].parameters
    width, pixels = rng.uniform(0.5, 1.25), float(np.exp(rng.uniform(-1.0, 1.8)))
    return ServiceParameters(
        flop=backbone.flop * width**2 * pixels,
        weight_bytes=backbone.weight_bytes * width**2,
        activation_bytes=backbone.activation_bytes * width * pixels,
        live_bytes=backbone.live_bytes * width * pixels,
        request_bytes=backbone.request_bytes * pixels,
        num_kernels=backbone.num_kernels,
        dispatch_seconds=rng.uniform(8e-6, 3e-5),
        # Decoding takes about 10 ms a megapixel; the photo is larger than the network's input.
        cpu_seconds=rng.uniform(2e-3, 2.5e-2),
        contention=rng.uniform(0.02, 0.2),
        coherence=rng.uniform(0.0, 0.015),
        efficiency=backbone.efficiency * rng.uniform(0.8, 1.2),
        runtime_bytes=rng.uniform(3e8, 8e8),
        workspace_bytes=rng.uniform(1e8, 6e8),
        slow_kernels=rng.uniform(1.1, 1.5),
        slo_seconds=float(rng.choice([0.3, 0.5, 1.0])),
    )


def _production_transformer(rng: np.random.Generator) -> ServiceParameters:
    """An encoder of L layers, h wide, on n tokens: 24 L n h^2 + 4 L n^2 h FLOP."""
    layers, hidden = int(rng.integers(2, 13)), int(rng.choice([128, 256, 312, 384, 512, 768]))
    tokens = int(rng.choice([32, 64, 128, 256]))
    return ServiceParameters(
        flop=24.0 * layers * tokens * hidden**2 + 4.0 * layers * tokens**2 * hidden,
        weight_bytes=48.0 * layers * hidden**2,
        # Some 17 tensors of [n, h] and the attention maps of h / 64 heads, written and read.
        activation_bytes=8.0 * layers * (17 * tokens * hidden + tokens**2 * hidden / 32),
        live_bytes=4.0 * (9 * tokens * hidden + tokens**2 * hidden / 64),
        request_bytes=8.0 * tokens,
        num_kernels=28 + rng.uniform(6, 15) * layers,
        dispatch_seconds=rng.uniform(8e-6, 3e-5),
        cpu_seconds=1e-3 + tokens * rng.uniform(1e-5, 6e-5),
        contention=rng.uniform(0.02, 0.25),
        coherence=rng.uniform(0.0, 0.015),
        efficiency=min(1.1, hidden / 700) * rng.uniform(0.8, 1.2),
        # With word tables of 20,000 to 1.5 million rows.
        runtime_bytes=rng.uniform(3e8, 8e8) + 4.0 * hidden * np.exp(rng.uniform(9.9, 14.2)),
        workspace_bytes=rng.uniform(2e7, 1e8),
        slow_kernels=rng.uniform(1.0, 1.2),
        slo_seconds=float(rng.choice([0.1, 0.3, 1.0])),
    )
