"""Services with known parameters."""

from suggestion.serving_simulator import ServiceParameters

# ResNet-50 as TensorFlow runs it: 8.22 GFLOP and 44 MB of activations a request, 102 MB of weights.
RESNET50 = ServiceParameters(
    flop=8.22e9,
    weight_bytes=102.6e6,
    activation_bytes=44.4e6,
    live_bytes=10e6,
    request_bytes=147e3,
    num_kernels=175,
    dispatch_seconds=28e-6,
    cpu_seconds=4e-3,
    contention=0.05,
    coherence=0.005,
    efficiency=1.0,
    runtime_bytes=4e8,
    workspace_bytes=2e8,
    slow_kernels=1.3,
    slo_seconds=1.0,
)
