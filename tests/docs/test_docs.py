"""The pages of docs/: links lead somewhere, YAML parses, and flags and metrics exist."""

import re
from pathlib import Path

import pytest
import yaml

import load_generator.flags
import metrics_collector.main
import suggestion.server
from suggestion.knobs import canonical
from suggestion.metrics import ServiceMetrics

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
# What a heading loses on its way to an anchor.
_PUNCTUATION = re.compile(r"[^\w\- ]")
# Flags of other programs, and of `morphling`, whose own tests know them.
_OTHER_FLAGS = {
    "--constraint", "--default-max-batch-size", "--dry-run", "--editable", "--first-order",
    "--follow", "--gpu-memory-utilization", "--letter", "--namespace", "--once", "--output",
    "--per_process_gpu_memory_fraction", "--price-", "--replace-bayesianoptimization",
    "--tables", "--tensor-parallel-size",
}  # fmt: skip


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {_PUNCTUATION.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere(page: Path):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_yaml_block_parses(page: Path):
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)


@pytest.mark.parametrize("name", ["choosing-knobs", "objectives-with-cost", "troubleshooting"])
def test_flags_exist(name: str):
    parsers = (load_generator.flags.make_parser(), metrics_collector.main._parser())
    known = {flag for parser in parsers for flag in parser.format_help().split()}
    known = {flag.strip("[],") for flag in known} | _OTHER_FLAGS
    flags = re.findall(r"(?<![\w-])--[a-z][\w-]*", (ROOT / "docs" / f"{name}.md").read_text())
    assert not [flag for flag in flags if flag not in known]


def test_the_page_on_operating_names_every_metric_and_no_other():
    text = (ROOT / "docs" / "operating.md").read_text()
    named = set(re.findall(r"^\| `(morphling_\w+)`", text, re.MULTILINE))
    metrics = ServiceMetrics().registry.collect()
    exported = {m.name if m.type == "histogram" else f"{m.name}_total" for m in metrics}
    assert named == exported
    used = set(re.findall(r"morphling_suggestion_\w+", text))
    assert {name.removesuffix("_bucket") for name in used} == exported


def test_the_page_on_operating_names_the_port_of_the_metrics():
    flag = "--metrics-port METRICS_PORT"
    assert "(8080)" in suggestion.server._parser().format_help().split(flag)[-1]
    assert "port 8080" in (ROOT / "docs" / "operating.md").read_text()


def test_the_names_of_knobs_are_recognised():
    text = (ROOT / "docs" / "choosing-knobs.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| (`.+`) \|$", text, re.MULTILINE)
    knobs = [{canonical(name) for name in re.findall(r"`([^`]+)`", row)} for row in rows]
    assert knobs == [
        {"cpu_cores"},
        {"gpu_memory_percent"},
        {"gpu_time_percent"},
        {"gpu_type"},
        {"batch_size"},
        {"tensor_parallelism"},
    ]
