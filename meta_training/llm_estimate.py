"""Asks AIConfigurator what one LLM server does with a batch of requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from aiconfigurator.sdk.backends.factory import get_backend
from aiconfigurator.sdk.config import ModelConfig, RuntimeConfig
from aiconfigurator.sdk.config_builders import build_model_config
from aiconfigurator.sdk.inference_session import InferenceSession
from aiconfigurator.sdk.models import check_is_moe, get_model, resolve_context_fmha_by_data
from aiconfigurator.sdk.perf_database import (
    PerfDatabase,
    get_database_view,
    get_latest_database_version,
)
from aiconfigurator.sdk.utils import HuggingFaceDownloadError

from meta_training.llm_rates import Estimate, UnknownModelError, Workload

_SYSTEMS = {
    "L40S": "l40s",
    "A100-80G": "a100_sxm",
    "H100": "h100_sxm",
    "H200": "h200_sxm",
    "B200": "b200_sxm",
}
# Measured kernels; where one is missing, kernels of other shapes scaled to it.
_DATA = ("SILICON", "HYBRID")
# Number formats of matrix products and of experts, the preferred one first.
_WEIGHTS = {"bf16": "bfloat16", "fp8": "fp8"}
_EXPERTS = {"bf16": ("bfloat16",), "fp8": ("fp8", "fp8_block")}
_ATTENTION = {"bf16": ("bfloat16",), "fp8": ("fp8", "bfloat16")}
# How the estimator says that it has no data, or that heads cannot be split so many ways.
_UNSUPPORTED = (RuntimeError, ValueError, KeyError, AssertionError)


@dataclass(frozen=True)
class EstimatedServer:
    """One way to run a model on some cards; sessions in the order of preference."""

    sessions: tuple[InferenceSession, ...]

    def estimate(self, workload: Workload, batch: int, prefill: int) -> Estimate | None:
        """See ``llm_rates.Server``."""
        runtime = RuntimeConfig(
            isl=workload.input_tokens, osl=workload.output_tokens, batch_size=batch
        )
        for session in self.sessions:
            try:
                summary = session.run_agg(runtime, ctx_tokens=prefill)
            except _UNSUPPORTED:
                continue
            if summary.check_oom() or summary.check_kv_cache_oom():
                return None
            result = summary.get_result_dict()
            return Estimate(float(result["seq/s"]), float(result["ttft"]), float(result["tpot"]))
        return None


def servers_of(model: str, gpu: str, tp: int, dtype: str, backend: str) -> list[EstimatedServer]:
    """The ways to split a model over ``tp`` cards; none where nothing supports it.

    Experts of a mixture are either split like other layers, or dealt out whole.

    Args:
        model: On Hugging Face, or a folder with its config.json.
        gpu: A level of the knob ``gpu``.
        tp: Cards.
        dtype: ``bf16`` or ``fp8``: of weights and KV cache, and of attention where measured.
        backend: ``trtllm``, ``vllm`` or ``sglang``.
    """
    try:
        expert_splits = sorted({1, tp}) if check_is_moe(model) else [None]
    except (HuggingFaceDownloadError, OSError) as error:
        raise UnknownModelError(
            f"A model has a config.json, but {model} has none: {error}"
        ) from error
    servers = []
    for experts in expert_splits:
        sessions = tuple(_sessions(model, gpu, tp, dtype, backend, experts))
        if sessions:
            servers.append(EstimatedServer(sessions))
    return servers


def _sessions(
    model: str, gpu: str, tp: int, dtype: str, backend: str, experts: int | None
) -> Iterator[InferenceSession]:
    """Sessions of one split: measured data first, FP8 attention before BF16."""
    for data in _DATA:
        database = _database(_SYSTEMS[gpu], backend, data)
        for attention in _ATTENTION[dtype]:
            split = _model_config(database, tp, dtype, attention, experts)
            if split is None:
                continue
            try:
                resolve_context_fmha_by_data(split, model, database, backend, is_context_role=True)
                served = get_model(model, split, backend)
            except _UNSUPPORTED:
                continue
            yield InferenceSession(served, database, get_backend(backend))


def _model_config(
    database: PerfDatabase, tp: int, dtype: str, attention: str, experts: int | None
) -> ModelConfig | None:
    """How the model is split and stored; None where the card was not measured with such numbers."""
    measured = database.supported_quant_mode
    weights = _WEIGHTS[dtype]
    expert_formats = [name for name in _EXPERTS[dtype] if name in measured["moe"]]
    if weights not in measured["gemm"] or (experts is not None and not expert_formats):
        return None
    return build_model_config(
        tp_size=tp,
        pp_size=1,
        attention_dp_size=1,
        moe_tp_size=None if experts is None else tp // experts,
        moe_ep_size=experts,
        gemm_quant_mode=weights,
        kvcache_quant_mode=weights,
        fmha_quant_mode=attention,
        moe_quant_mode=expert_formats[0] if experts is not None else weights,
    )


@cache
def _database(system: str, backend: str, data: str) -> PerfDatabase:
    version = get_latest_database_version(system=system, backend=backend)
    return get_database_view(
        system, backend, version, database_mode=data, allow_missing_data=data != "SILICON"
    )
