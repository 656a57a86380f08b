"""The command line for finished results, on real files."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from load_generator.report import LoadReport, write
from load_generator.results import main
from tests.load_generator.builders import INFEASIBLE
from tests.load_generator.results import report_with
from tests.load_generator.test_command_line import model_server, run

CURVE = report_with((80.0, 10.0), (100.0, 20.0), (120.0, 80.0))
FASTER = replace(CURVE, peak_rps=150.0, peak_rps_low=140.0, peak_rps_high=160.0)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    reports: dict[str, LoadReport] = {"a": CURVE, "b": FASTER, "none": INFEASIBLE}
    for name, report in reports.items():
        write(report, tmp_path / f"{name}.json")
    (tmp_path / "broken.json").write_text("{")
    names = [*reports, "broken", "missing"]
    return {name: str(tmp_path / f"{name}.json") for name in names}


def test_comparing(files: dict[str, str], capsys: pytest.CaptureFixture[str]):
    assert main(["compare", files["a"], files["b"]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"A: {files['a']}"
    assert "peak (rps) 100.0 150.0 1.500" in [" ".join(line.split()) for line in lines]
    assert lines[-1] == "B is higher by 50 % (95 % interval 38 to 63)."


@pytest.mark.parametrize(
    ("a", "b", "limit", "code"),
    [
        ("a", "b", "0.95", 0),
        ("b", "a", "0.95", 1),
        ("b", "a", "0.6", 0),
        ("a", "none", "0.5", 1),
        ("a", "broken", "0.95", 1),
        ("a", "missing", "0.95", 1),
    ],
)
def test_the_gate(files: dict[str, str], a: str, b: str, limit: str, code: int):
    assert main(["compare", files[a], files[b], "--fail-below", limit]) == code


def test_the_gate_has_limits(files: dict[str, str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["compare", files["a"], files["b"], "--fail-below", "95"])
    assert caught.value.code == 2
    assert "0 < RATIO < 10 must hold, but got 95" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_plotting(files: dict[str, str], ending: str, tmp_path: Path):
    output = tmp_path / f"curve.{ending}"
    assert main(["plot", files["a"], files["b"], "--output", str(output)]) == 0
    assert output.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("name", "output", "text"),
    [
        ("a", "curve.gif", "--output must end in one of .png, .svg, .html, but got"),
        ("broken", "curve.png", "broken.json is not a finished result: A result file must be JSON"),
        ("missing", "curve.png", "missing.json cannot be read: No such file or directory."),
        ("none", "curve.png", "A curve needs an open-loop probe"),
        ("a", "no/such/folder/curve.png", "No such file or directory"),
    ],
)
def test_what_cannot_be_drawn(
    files: dict[str, str],
    name: str,
    output: str,
    text: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    assert main(["plot", files[name], "--output", str(tmp_path / output)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("load-generator: ")
    assert text in message


def test_without_matplotlib_the_extra_is_named(
    files: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "load_generator.curve_plot", raising=False)
    monkeypatch.delattr("load_generator.curve_plot", raising=False)
    assert main(["plot", files["a"], "--output", str(tmp_path / "curve.png")]) == 1
    assert "pip install 'morphling-katib[local]'" in capsys.readouterr().err


def test_comparing_needs_no_matplotlib():
    code = "import sys; import load_generator.results; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_two_real_load_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = [str(tmp_path / name) for name in ("slow.json", "fast.json")]
    for path, milliseconds in zip(paths, (20, 5), strict=True):
        with model_server(service_ms=milliseconds) as port:
            # A bound that no pause of the machine breaks.
            done = run(port, "--slo-ms=2000", "--max-seconds=1", f"--result={path}")
            assert done.returncode == 0
    # Four times the capacity: no error of so short a test can turn that round.
    assert main(["compare", *paths, "--fail-below", "1"]) == 0
    assert main(["compare", *reversed(paths), "--fail-below", "1"]) == 1
    assert "B is lower by" in capsys.readouterr().out
    picture = tmp_path / "curve.png"
    assert main(["plot", *paths, "--output", str(picture)]) == 0
    assert picture.stat().st_size > 10_000
