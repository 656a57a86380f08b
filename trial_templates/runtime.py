"""How each serving runtime is started, and where its batch size goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from trial_templates.gpu_sharing import GpuSharing
from trial_templates.knob import Knob

_BATCH = Knob("max_batch_size", ("1", "4", "16", "64"))
_SEQUENCES = Knob("max_num_seqs", ("8", "32", "128", "256"))
_TOKENS = Knob("max_num_batched_tokens", ("1024", "2048", "8192"))
_MICROSECONDS = Knob(
    "max_queue_delay", ("0", "500", "2000", "10000"), comment="microseconds a request may wait"
)
_SECONDS = Knob("max_batch_time", ("0", "0.002", "0.01"), comment="seconds that a request may wait")
_WORKERS = Knob("parallel_workers", ("1", "2"), "int", "inference processes")


@dataclass(frozen=True)
class Runtime:
    """One model server.

    Attributes:
        name: File name of its examples.
        title: For the first line of an Experiment.
        image: Given GPU sharing, as some have images of their own for CPUs.
        script: Lines of a shell script that starts it, given GPU sharing.
        knobs: What can be tuned with it.
        env: Of its container.
        storage: Address of the served model.
        ready_path: Answers 200 once requests are served.
        load: Flags of the load generator that say what to send.
        slo: Its flags that say what must hold.
        profile: How thoroughly it measures.
        metrics: Reported besides the objective.
        payload: Body of a request; empty where the load generator makes its own.
        memory: Of its container.
        start_seconds: How long it may take to serve.
        ports: Others that it listens at, beside 8080.
        batcher: Fields of KServe's own batcher, which are integers; empty for none.
        notes: Comments at the head of the Experiment.
    """

    name: str
    title: str
    image: Callable[[GpuSharing], str]
    script: Callable[[GpuSharing], list[str]]
    knobs: tuple[Knob, ...]
    storage: str
    ready_path: str
    load: tuple[str, ...]
    slo: tuple[str, ...] = ("--slo-ms=100",)
    profile: str = "quick"
    metrics: tuple[str, ...] = ("peak_rps", "latency_p99_ms", "cost")
    payload: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    memory: str = "4Gi"
    start_seconds: int = 180
    ports: tuple[int, ...] = ()
    batcher: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _triton(sharing: GpuSharing) -> list[str]:
    kind = "KIND_GPU" if sharing.has_gpu else "KIND_CPU"
    delay = f"max_queue_delay_microseconds: {_MICROSECONDS.placeholder}"
    return [
        "# The storage is read-only, and the knobs belong into config.pbtxt.",
        "repository=$(mktemp -d)",
        'cp -r /mnt/models/. "$repository"',
        'cat >> "$repository/model/config.pbtxt" <<END',
        f"max_batch_size: {_BATCH.placeholder}",
        f"dynamic_batching {{ {delay} }}",
        f"instance_group [ {{ kind: {kind} count: 1 }} ]",
        "END",
        'exec tritonserver --model-repository="$repository" \\',
        "  --http-port=8080 --grpc-port=8081 --metrics-port=8082",
    ]


def _tensorflow(sharing: GpuSharing) -> list[str]:
    last = "  --model_base_path=/mnt/models"
    if sharing.memory_share:
        last += f" --per_process_gpu_memory_fraction={sharing.memory_share}"
    return [
        "batching=$(mktemp)",
        'cat > "$batching" <<END',
        f"max_batch_size {{ value: {_BATCH.placeholder} }}",
        f"batch_timeout_micros {{ value: {_MICROSECONDS.placeholder} }}",
        "num_batch_threads { value: 4 }",
        "max_enqueued_batches { value: 1000 }",
        "END",
        "exec tensorflow_model_server --rest_api_port=8080 --port=8081 --model_name=model \\",
        '  --enable_batching=true --batching_parameters_file="$batching" \\',
        last,
    ]


def _vllm(sharing: GpuSharing) -> list[str]:
    share = sharing.memory_share or "0.9"
    return [
        "exec vllm serve /mnt/models --port=8080 --served-model-name=model --max-model-len=4096 \\",
        f"  --max-num-seqs={_SEQUENCES.placeholder} \\",
        f"  --max-num-batched-tokens={_TOKENS.placeholder} \\",
        f"  --gpu-memory-utilization={share}",
    ]


TRITON = Runtime(
    name="triton",
    title="Triton",
    image=lambda _: "nvcr.io/nvidia/tritonserver:24.10-py3",
    script=_triton,
    knobs=(_BATCH, _MICROSECONDS),
    storage="pvc://models/triton",
    ready_path="/v2/models/model/ready",
    load=("--url=http://localhost:8080", "--protocol=v2-rest", "--model=model"),
    ports=(8081, 8082),
)
TENSORFLOW = Runtime(
    name="tf-serving",
    title="TensorFlow Serving",
    image=lambda sharing: f"tensorflow/serving:2.19.1{'-gpu' if sharing.has_gpu else ''}",
    script=_tensorflow,
    knobs=(_BATCH, _MICROSECONDS),
    storage="pvc://models/tensorflow",
    ready_path="/v1/models/model",
    load=("--url=http://localhost:8080", "--protocol=v1-rest", "--model=model"),
    payload='{"instances": [[0.1, 0.2, 0.3, 0.4]]}',
    ports=(8081,),
)
_MILLISECONDS = Knob("max_latency", ("1", "5", "20"), comment="milliseconds a request may wait")
# pkg/batcher of kserve/kserve: port 9081, V1 requests only, one batch at a time.
TENSORFLOW_BATCHER = replace(
    TENSORFLOW,
    name="tf-serving-batcher",
    title="TensorFlow Serving behind KServe's batcher",
    script=lambda _: [
        "exec tensorflow_model_server --rest_api_port=8080 --port=8081 --model_name=model \\",
        "  --model_base_path=/mnt/models",
    ],
    knobs=(_BATCH, _MILLISECONDS),
    load=("--url=http://localhost:9081", "--protocol=v1-rest", "--model=model"),
    batcher={"maxBatchSize": _BATCH.placeholder, "maxLatency": _MILLISECONDS.placeholder},
    notes=(
        "For servers that cannot batch themselves: the batcher holds one batch at a time.",
        "Its fields are integers, so that the trial template lies in a ConfigMap.",
    ),
)
MLSERVER = Runtime(
    name="mlserver",
    title="MLServer",
    image=lambda _: "seldonio/mlserver:1.7.1",
    script=lambda _: ["exec mlserver start /mnt/models"],
    knobs=(_BATCH, _SECONDS, _WORKERS),
    storage="pvc://models/mlserver",
    ready_path="/v2/models/model/ready",
    load=("--url=http://localhost:8080", "--protocol=v2-rest", "--model=model"),
    env={
        "MLSERVER_MODEL_MAX_BATCH_SIZE": _BATCH.placeholder,
        "MLSERVER_MODEL_MAX_BATCH_TIME": _SECONDS.placeholder,
        "MLSERVER_PARALLEL_WORKERS": _WORKERS.placeholder,
        "MLSERVER_HTTP_PORT": "8080",
        "MLSERVER_GRPC_PORT": "8081",
        "MLSERVER_METRICS_PORT": "8082",
        "MLSERVER_DEBUG": "false",
    },
    ports=(8081, 8082),
)
VLLM = Runtime(
    name="vllm",
    title="vLLM",
    image=lambda _: "vllm/vllm-openai:v0.11.0",
    script=_vllm,
    knobs=(_SEQUENCES, _TOKENS),
    storage="pvc://models/llm",
    ready_path="/health",
    load=(
        "--url=http://localhost:8080",
        "--protocol=openai-completions",
        "--model=model",
        "--input-tokens=uniform:64:512",
        "--output-tokens=uniform:16:64",
        "--ignore-eos",
    ),
    slo=("--slo-ttft-ms=1000", "--slo-tpot-ms=100"),
    profile="precise",
    metrics=("peak_rps", "output_tokens_per_second", "ttft_p99_ms", "tpot_p99_ms", "cost"),
    memory="16Gi",
    start_seconds=600,
    notes=(
        "Change too: the lengths of prompts and answers, in tokens. Together they must stay below",
        "--max-model-len; docs/language-models.md says more.",
    ),
)
