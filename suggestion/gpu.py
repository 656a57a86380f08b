"""Cards as the simulator needs them: those of the Morphling paper, and what clouds rent out."""

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

# FP32 peak in TFLOP/s, memory bandwidth in GB/s, memory in GB: data sheets. Dollars an hour: AWS on
# demand for one card (K80 p2, A10 g5, L4 g6, L40S g6e, A100 p4d, H100 p5); P4, P100 and A30 lie
# between their neighbours. Half of the peak and four fifths of the bandwidth are taken as
# attainable, which is where T4 and V100 lie; prices are on the paper's scale, on which a T4 at
# 0.526 dollars costs 0.4.
_DATA_SHEETS = {
    "K80": (4.1, 240, 12, 0.9),
    "P4": (5.5, 192, 8, 0.6),
    "P100": (9.3, 732, 16, 1.46),
    "A10": (31.2, 600, 24, 1.006),
    "A30": (10.3, 933, 24, 1.5),
    "L4": (30.3, 300, 24, 0.805),
    "L40S": (91.6, 864, 48, 1.86),
    "A100": (19.5, 1555, 40, 4.1),
    "H100": (67.0, 3350, 80, 6.88),
}
KNOWN_GPUS = GPUS | {
    name: Gpu(
        name=name,
        attainable_flops=0.5 * tflops * 1e12,
        bytes_per_second=0.8 * bandwidth * 1e9,
        memory_bytes=memory * 1e9,
        copy_bytes_per_second=12e9,
        price=0.4 / 0.526 * dollars,
    )
    for name, (tflops, bandwidth, memory, dollars) in _DATA_SHEETS.items()
}
