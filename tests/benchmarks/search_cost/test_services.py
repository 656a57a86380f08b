"""The 42 services against published measurements, and random production services."""

import numpy as np
import pytest

from benchmarks.search_cost.services import production_service, published_models
from suggestion.gpu import GPUS
from suggestion.serving_simulator import Array, Configurations, batch_seconds, peak_rps

MODELS = {service.name: service.parameters for service in published_models()}


def at(gpu: str, batch: object, cores: object = 4.0) -> Configurations:
    batches, counts = np.broadcast_arrays(np.atleast_1d(batch), np.atleast_1d(cores))
    whole = np.ones(len(batches))
    return Configurations(
        counts.astype(float), batches.astype(float), whole, whole, (GPUS[gpu],) * len(batches)
    )


def gpu_rate(model: str, gpu: str, batch: list[int]) -> Array:
    """Requests/s of the card alone, as offline benchmarks measure."""
    return np.array(batch) / batch_seconds(MODELS[model], at(gpu, batch))


# NVIDIA DeepLearningExamples, FP32, requests/s by batch size: TensorFlow ResNet-50 v1.5;
# TensorFlow2 BERT at 128 tokens; TensorFlow2 EfficientNet v1 (B0 at 224, B4 at 380 pixels).
@pytest.mark.parametrize(
    ("model", "gpu", "measured", "tolerance"),
    [
        ("ResNet50", "T4", {1: 136, 4: 289, 16: 394, 128: 430}, 0.05),
        ("ResNet50", "V100", {1: 173, 4: 562, 16: 1003, 128: 1325}, 0.10),
        ("BERT-base", "T4", {1: 112.1, 2: 142.4, 4: 165.1, 8: 174.5}, 0.10),
        ("BERT-base", "V100", {1: 200.3, 2: 294.9, 4: 371.7, 8: 428.5}, 0.06),
        ("BERT-large", "T4", {1: 42.2, 2: 47.1, 4: 48.0, 8: 50.1}, 0.11),
        ("BERT-large", "V100", {1: 82.2, 2: 110.6, 4: 123.3, 8: 134.0}, 0.05),
        # Launches overlap with long kernels there; the simulator adds them up.
        ("EfficientNetB0", "V100", {1: 97.0, 8: 649.8, 32: 1861.7, 256: 2829.3}, 0.17),
        ("EfficientNetB4", "V100", {1: 49.0, 8: 258.2, 16: 310.8, 32: 372.2}, 0.21),
    ],
)
def test_measured_rates(model: str, gpu: str, measured: dict[int, float], tolerance: float):
    rates = gpu_rate(model, gpu, list(measured))
    assert rates == pytest.approx(np.array(list(measured.values())), rel=tolerance)


def test_the_models_of_the_paper():
    services = published_models()
    assert len({service.name for service in services}) == 42
    assert len({service.family for service in services}) == 15
    assert services == published_models()


@pytest.mark.parametrize("model", ["EfficientNetB0", "EfficientNetB5", "MobileNet"])
def test_depthwise_cnns_are_bound_by_bandwidth(model: str):
    service, card = MODELS[model], GPUS["V100"]
    compute = service.flop / (card.attainable_flops * service.efficiency)
    assert service.activation_bytes / card.bytes_per_second > 1.5 * compute


@pytest.mark.parametrize("model", ["NNLM-en-dim50", "Wiki-words-500", "USE-DAN"])
def test_cpu_time_sets_the_rate_of_embeddings(model: str):
    by_card = [peak_rps(MODELS[model], at(gpu, 64))[0] for gpu in ("T4", "V100")]
    assert by_card[0] == pytest.approx(by_card[1], rel=0.02)
    one, four = peak_rps(MODELS[model], at("T4", 64, [1, 4]))
    assert four > 2 * one


@pytest.mark.parametrize(("model", "least"), [("Wiki-words-500", 2.0e9), ("USE-DAN", 1.0e9)])
def test_embedding_tables_take_memory(model: str, least: float):
    assert MODELS[model].runtime_bytes > least
    assert MODELS[model].weight_bytes < 1e7


def test_production_services_are_seeded_and_of_two_kinds():
    services = [production_service(np.random.default_rng([1, n]), n) for n in range(50)]
    assert services == [production_service(np.random.default_rng([1, n]), n) for n in range(50)]
    assert {service.family for service in services} == {"vision", "language"}
    rates = np.array([peak_rps(service.parameters, at("T4", 8))[0] for service in services])
    assert (rates > 0).mean() > 0.9
    assert 1 < np.median(rates) < 5000
