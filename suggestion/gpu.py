"""Cards of the Morphling paper's space, as the simulator needs them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One card.

    Attributes:
        name: Name, as in a ``gpu_type`` knob.
        attainable_flops: FP32 operations a second that large convolutions reach.
        bytes_per_second: Memory bandwidth that large element-wise kernels reach.
        memory_bytes: Memory of the card.
        copy_bytes_per_second: Bandwidth from the host.
        price: Price of all its memory in the cost model of the Morphling paper, section 6.1.
    """

    name: str
    attainable_flops: float
    bytes_per_second: float
    memory_bytes: float
    copy_bytes_per_second: float
    price: float


# Attainable FLOP/s of T4 and V100: ResNet-50 (8.22 GFLOP) in TensorFlow, FP32, at batch 128, in
# NVIDIA's DeepLearningExamples: 430 and 1,325 images/s, the launches (5 ms a batch) taken off. For
# M60 no such run is published; its data sheet's 4.8 TFLOP/s times the ratio of V100. The bandwidths
# are measured by the operator timings of dos-lab/Falcon; memory sizes are the data sheets'; PCIe
# 3.0 x16 carries about 12 GB/s of its 15.8.
GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu(
            name="T4",
            attainable_flops=3.6e12,
            bytes_per_second=229e9,
            memory_bytes=16e9,
            copy_bytes_per_second=12e9,
            price=0.4,
        ),
        Gpu(
            name="V100",
            attainable_flops=11.5e12,
            bytes_per_second=759e9,
            memory_bytes=16e9,
            copy_bytes_per_second=12e9,
            price=2.6,
        ),
        Gpu(
            name="M60",
            attainable_flops=3.5e12,
            bytes_per_second=116e9,
            memory_bytes=8e9,
            copy_bytes_per_second=12e9,
            price=0.4,
        ),
    )
}
