"""Flags of the load generator, and the configuration that they make."""

import argparse
import dataclasses
import math
from importlib.metadata import version
from pathlib import Path

from load_generator.config import OPENAI_PROTOCOLS, PROTOCOLS, LoadTestConfig
from load_generator.cost import Cost
from load_generator.errors import ConfigError
from load_generator.payload import Payloads
from load_generator.payload_files import parse_payload_file, read_payloads
from load_generator.payload_template import FIELDS_HELP
from load_generator.profile import PROFILES
from load_generator.prompt_file import FilePrompts, read_prompts
from load_generator.prompts import Prompts, RandomPrompts
from load_generator.schema import published
from load_generator.slo import Slo
from load_generator.token_lengths import parse_token_lengths

_EPILOG = """exit codes:
  0  measured, an infeasible configuration included
  1  the result cannot be written (one that is measured is then on standard output), a port is
     taken, or a sending process has died
  2  wrong usage
  143, 130  stopped by SIGTERM or Ctrl-C before the result was final

A finished result file is read again instead of measuring again, so that a restarted container
gives the same answer."""


def make_config(arguments: argparse.Namespace) -> LoadTestConfig:
    """Reads the files that flags name and puts everything together.

    Raises:
        ValueError: a flag breaks its rule.
    """
    a, profile = arguments, PROFILES[arguments.profile]
    return LoadTestConfig(
        url=a.url,
        protocol=a.protocol,
        model=a.model,
        payloads=_payloads(a),
        batch=a.batch,
        headers=dict(_header(text) for text in a.header),
        ca_certificate=None if a.ca_certificate is None else _read(a.ca_certificate, "--ca-cert"),
        prompts=_prompts(a) if a.protocol in OPENAI_PROTOCOLS else None,
        openai_base_path=a.openai_base_path,
        ignore_eos=a.ignore_eos,
        slo=_slo(a),
        profile=profile,
        max_seconds=a.max_seconds or profile.max_seconds,
        ready_seconds=a.ready_seconds,
        seed=a.seed,
        processes=a.processes,
    )


def make_cost(arguments: argparse.Namespace) -> Cost:
    """The prices.

    Raises:
        ValueError: a price breaks its rule.
    """
    return Cost(**{f.name: getattr(arguments, f.name) for f in dataclasses.fields(Cost)})


def _payloads(arguments: argparse.Namespace) -> Payloads | None:
    files = [parse_payload_file(text) for text in arguments.payload]
    files += [parse_payload_file(text, is_template=True) for text in arguments.payload_template]
    return read_payloads(files, arguments.seed) if files else None


def _prompts(arguments: argparse.Namespace) -> Prompts:
    output_tokens = parse_token_lengths(arguments.output_tokens)
    if arguments.prompts:
        is_chat = arguments.protocol == "openai-chat"
        lines = read_prompts(arguments.prompts, is_chat=is_chat)
        return FilePrompts(lines, output_tokens, arguments.seed)
    if arguments.shared_prefix_tokens < 0:
        raise ConfigError(
            f"--shared-prefix-tokens must be at least 0, but got {arguments.shared_prefix_tokens}."
        )
    input_tokens = parse_token_lengths(arguments.input_tokens)
    shared = arguments.shared_prefix_tokens
    return RandomPrompts(input_tokens, output_tokens, arguments.seed, shared)


def _slo(arguments: argparse.Namespace) -> Slo:
    bounds = (arguments.slo_ms, arguments.slo_ttft_ms, arguments.slo_tpot_ms)
    if arguments.protocol not in OPENAI_PROTOCOLS and bounds[1:] != (None, None):
        raise ConfigError(
            f"--slo-ttft-ms and --slo-tpot-ms need --protocol {' or '.join(OPENAI_PROTOCOLS)}, "
            f"but got {arguments.protocol}."
        )
    latency, ttft, tpot = (math.inf if ms is None else ms / 1000 for ms in bounds)
    return Slo(
        latency_seconds=latency,
        ttft_seconds=ttft,
        tpot_seconds=tpot,
        percentile=arguments.slo_percentile,
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ConfigError(f"--header must be NAME:VALUE, but got {text!r}.")
    return name.strip(), value.strip()


def _read(path: Path, flag: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{flag} must be a readable file, but: {error}.") from None


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="morphling-load-generator",
        description="Finds the highest Poisson request rate at which a model server still meets "
        "its latency SLO, and writes it with every probe to a result file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=version("morphling-katib"))
    add("--schema", action="version", version=published(), help="print the JSON Schema of the "
        "result file and exit")  # fmt: skip
    add("--url", required=True, help="address of the model server, http://HOST:PORT; with "
        "v2-grpc grpc://HOST:PORT; https and grpcs for TLS")  # fmt: skip
    add("--protocol", default="v2-rest", choices=PROTOCOLS, help="default: %(default)s")
    add("--model", default="", help="name of the served model; not needed with --protocol http")
    add("--header", action="append", default=[], metavar="NAME:VALUE", help="sent with every "
        "request; may be given several times")  # fmt: skip
    add("--ca-certificate", type=Path, metavar="FILE", help="PEM of whom to trust with TLS")
    add("--profile", default="quick", choices=PROFILES, help="quick: at most 60 s; precise: at "
        "most 240 s (default: quick)")  # fmt: skip
    add("--max-seconds", type=float, help="hard limit after the server is ready")
    add("--ready-seconds", type=float, default=120, help="wait for the server (default: 120)")
    add("--seed", type=int, default=0, help="seed of arrivals and payloads (default: 0)")
    add("--processes", type=int, default=1, help="send from so many processes, where one core "
        "does not suffice (default: 1)")  # fmt: skip
    add("--result", type=Path, help="JSON file for the result")
    add("--stay-alive", action="store_true", help="after measuring, sleep until SIGTERM: a "
        "Deployment would restart a container that ends")  # fmt: skip
    add("--metrics-port", type=int, default=0, help="port of /metrics (default: 0, off)")
    _add_slo(parser.add_argument_group("SLO", "At least one bound must be given."))
    _add_payloads(parser.add_argument_group("request bodies"))
    _add_prompts(parser.add_argument_group("language models", "With --protocol openai-..."))
    prices = parser.add_argument_group("cost", "Prices give cost and rps_per_dollar.")
    for field in dataclasses.fields(Cost):
        flag = f"--{field.name.replace('_', '-')}"
        prices.add_argument(flag, type=float, default=0.0, metavar="NUMBER")
    return parser


def _add_slo(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--slo-ms", type=float, metavar="MS", help="bound on the latency of a whole answer")
    add("--slo-ttft-ms", type=float, metavar="MS", help="bound on the time to first token")
    add("--slo-tpot-ms", type=float, metavar="MS", help="bound on the mean time per output token "
        "after the first")  # fmt: skip
    add("--slo-percentile", type=float, default=99, metavar="P", help="percentage of requests that "
        "must meet every bound (default: 99)")  # fmt: skip


def _add_payloads(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--payload", action="append", default=[], metavar="FILE[=WEIGHT]", help="sent unchanged; "
        "several make a mix in the ratio of their weights; without any, v2 makes some from the "
        "model's metadata and http sends GETs")  # fmt: skip
    add("--payload-template", action="append", default=[], metavar="FILE[=WEIGHT]",
        help=f"with random fields: {FIELDS_HELP}")  # fmt: skip
    add("--batch", type=int, default=1, metavar="N", help="instances in a request made from the "
        "metadata (default: 1)")  # fmt: skip


def _add_prompts(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--openai-base-path", default="/v1", metavar="PATH", help="before /models, /completions, "
        "/chat/completions; KServe's Hugging Face runtime: /openai/v1 (default: /v1)")  # fmt: skip
    add("--input-tokens", default="fixed:512", metavar="LENGTHS", help="prompt lengths: fixed:N, "
        "uniform:A:B, normal:MEAN:SD or lognormal:MEDIAN:SIGMA (default: %(default)s)")  # fmt: skip
    add("--output-tokens", default="fixed:128", metavar="LENGTHS", help="answer lengths, likewise "
        "(default: %(default)s)")  # fmt: skip
    add("--shared-prefix-tokens", type=int, default=0, metavar="N", help="tokens that all prompts "
        "begin with, besides --input-tokens (default: 0)")  # fmt: skip
    add("--prompts", type=Path, metavar="FILE", help="JSON lines with prompt or messages, and "
        "max_tokens; replaces --input-tokens")  # fmt: skip
    add("--ignore-eos", action=argparse.BooleanOptionalAction, default=True, help="ask for answers "
        "of exact length by ignore_eos and min_tokens, which are not OpenAI's; --no-ignore-eos for "
        "servers that refuse them (default: on)")  # fmt: skip
