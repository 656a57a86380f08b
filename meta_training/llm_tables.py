"""Builds profile tables of LLM serving with NVIDIA's AIConfigurator.

AIConfigurator (PyPI ``aiconfigurator``, Apache-2.0) estimates an LLM server from measured kernels:
time to the first token (TTFT), time per output token (TPOT), memory. It needs an environment of
its own::

    pip install aiconfigurator==0.12.0 pyarrow numpy
    python -m meta_training.llm_tables --models Qwen3-8B Mixtral-8x7B --output tables.parquet

Each model is a service under three workloads. A configuration serves ``max_batch`` requests at a
time; its rate is that of continuous batching, and 0 where memory or a latency SLO does not allow
it. The estimator knows some models by itself (Qwen3-8B, Qwen3-32B, Qwen3-30B-A3B, ...) and asks
Hugging Face for the config.json of others.

``tables/llm.parquet`` and, with ``--cap``, ``tables/llm_cap.parquet`` hold 28 models. Nine of them
(two dense Qwen3, Qwen2.5-7B and six mixtures of experts) were built anew with this script and agree
with the shipped ones in every configuration.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from meta_training.llm_rates import (
    BATCHES,
    WORKLOADS,
    Server,
    UnknownModelError,
    rates_by_batch,
)
from meta_training.profile_table import ProfileTable, write_profile_tables

# Model, card, tensor parallelism, number format, backend -> the ways to run it.
Servers = Callable[[str, str, int, str, str], Sequence[Server]]

# Name in a table: (family, the model on Hugging Face).
MODELS = {
    "Llama-2-7B": ("Llama-2", "meta-llama/Llama-2-7b-hf"),
    "Llama-2-13B": ("Llama-2", "meta-llama/Llama-2-13b-hf"),
    "CodeLlama-34B": ("Llama-2", "codellama/CodeLlama-34b-hf"),
    "SOLAR-10.7B": ("SOLAR", "upstage/SOLAR-10.7B-v1.0"),
    "InternLM2-20B": ("InternLM2", "internlm/internlm2-20b"),
    "Qwen2.5-0.5B": ("Qwen2.5", "Qwen/Qwen2.5-0.5B"),
    "Qwen2.5-1.5B": ("Qwen2.5", "Qwen/Qwen2.5-1.5B"),
    "Qwen2.5-3B": ("Qwen2.5", "Qwen/Qwen2.5-3B"),
    "Qwen2.5-7B": ("Qwen2.5", "Qwen/Qwen2.5-7B"),
    "Qwen2.5-14B": ("Qwen2.5", "Qwen/Qwen2.5-14B"),
    "Qwen2.5-32B": ("Qwen2.5", "Qwen/Qwen2.5-32B"),
    "Qwen2.5-72B": ("Qwen2.5", "Qwen/Qwen2.5-72B"),
    "Qwen3-0.6B": ("Qwen3", "Qwen/Qwen3-0.6B"),
    "Qwen3-1.7B": ("Qwen3", "Qwen/Qwen3-1.7B"),
    "Qwen3-4B": ("Qwen3", "Qwen/Qwen3-4B"),
    "Qwen3-8B": ("Qwen3", "Qwen/Qwen3-8B"),
    "Qwen3-14B": ("Qwen3", "Qwen/Qwen3-14B"),
    "Qwen3-32B": ("Qwen3", "Qwen/Qwen3-32B"),
    "Qwen3-30B-A3B": ("Qwen3-MoE", "Qwen/Qwen3-30B-A3B"),
    "Qwen3-235B-A22B": ("Qwen3-MoE", "Qwen/Qwen3-235B-A22B"),
    "Qwen3-Coder-480B-A35B": ("Qwen3-MoE", "Qwen/Qwen3-Coder-480B-A35B-Instruct"),
    "Llama-4-Scout-109B": ("Llama-4", "meta-llama/Llama-4-Scout-17B-16E-Instruct"),
    "Mixtral-8x7B": ("Mixtral", "mistralai/Mixtral-8x7B-v0.1"),
    "Mixtral-8x22B": ("Mixtral", "mistralai/Mixtral-8x22B-v0.1"),
    "Gemma-4-26B-A4B": ("Gemma-4", "google/gemma-4-26B-A4B"),
    "Step-3.7-Flash-196B": ("Step", "stepfun-ai/Step-3.7-Flash"),
    "Granite-3-8B": ("Granite", "ibm-granite/granite-3.0-8b-base"),
    "OLMo-2-13B": ("OLMo-2", "allenai/OLMo-2-1124-13B"),
}
# Prices of one card, USD an hour: RunPod's serverless list.
GPU_PRICES = {"L40S": 1.908, "A100-80G": 2.736, "H100": 4.176, "H200": 5.58, "B200": 8.64}
KNOBS = {
    "gpu": tuple(GPU_PRICES),
    "tp": ("1", "2", "4", "8"),
    "dtype": ("bf16", "fp8"),
    "backend": ("trtllm", "vllm", "sglang"),
    "max_batch": tuple(map(str, BATCHES)),
}


def build_tables(model: str, servers_of: Servers, is_cap: bool) -> list[ProfileTable]:
    """One table a workload.

    Args:
        model: A name in ``MODELS``; else a model on Hugging Face or a folder with its config.json,
            which becomes a family of its own.
        servers_of: The estimator.
        is_cap: See ``rates_by_batch``.
    """
    name = Path(model).name
    family, path = MODELS.get(model, (name, model))
    shape = [len(levels) for levels in KNOBS.values()]
    rates = {workload: np.zeros(shape) for workload in WORKLOADS}
    price = np.zeros(shape)
    for index in np.ndindex(*shape[:-1]):
        gpu, tp, dtype, backend = (KNOBS[knob][i] for knob, i in zip(KNOBS, index, strict=False))
        price[index] = GPU_PRICES[gpu] * int(tp)
        servers = servers_of(path, gpu, int(tp), dtype, backend)
        for kind, workload in WORKLOADS.items():
            rates[kind][index] = rates_by_batch(servers, workload, is_cap)
    return [ProfileTable(f"{name}/{kind}", family, KNOBS, rates[kind], price) for kind in WORKLOADS]


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m meta_training.llm_tables",
        description="Builds profile tables of LLM serving with AIConfigurator.",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=list(MODELS),
        metavar="MODEL",
        help="names of the shipped table, models on Hugging Face, or folders with a config.json",
    )
    parser.add_argument("--cap", action="store_true", help="max_batch is an upper bound")
    parser.add_argument("--output", type=Path, required=True, help=".parquet or .csv file")
    arguments = parser.parse_args()
    try:
        from meta_training.llm_estimate import servers_of
    except ModuleNotFoundError as error:
        parser.error(f"AIConfigurator must be installed (pip install aiconfigurator): {error}.")
    logging.disable(logging.CRITICAL)  # the estimator reports every gap of its data
    tables: list[ProfileTable] = []
    for number, model in enumerate(arguments.models, 1):
        print(f"{model} ({number} of {len(arguments.models)})", flush=True)
        try:
            tables += build_tables(model, servers_of, arguments.cap)
        except UnknownModelError as error:
            print(error, file=sys.stderr)
            return 1
    write_profile_tables(arguments.output, tables)
    print(f"{len(tables)} tables in {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
