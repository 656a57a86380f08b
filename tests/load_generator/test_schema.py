"""The published schema: the same as the dataclasses, and true of real result files."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing.jsonschema import DRAFT202012

from load_generator import report, schema
from load_generator.report import LoadReport, Probe, to_json
from load_generator.snapshot import PHASES
from tests.load_generator.builders import INFEASIBLE, REPORT
from tests.load_generator.test_command_line import model_server, run

SCHEMA: dict[str, Any] = json.loads(schema.published())
VALIDATOR = Draft202012Validator(SCHEMA)


def test_it_is_a_json_schema_with_a_name_of_its_own():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:morphling-katib:load-test-result:2"
    assert DRAFT202012.id_of(SCHEMA) == SCHEMA["$id"]


def test_what_is_published_is_what_the_dataclasses_say():
    assert schema.build() == SCHEMA


def test_its_module_writes_it():
    done = subprocess.run(
        [sys.executable, "-m", "load_generator.schema"], capture_output=True, timeout=30
    )
    assert done.stdout == (Path(report.__file__).parent / "result-schema.json").read_bytes()


@pytest.mark.parametrize(
    ("part", "kind"), [(SCHEMA, LoadReport), (SCHEMA["$defs"]["Probe"], Probe)]
)
def test_every_field_is_there_and_explained(part: dict[str, Any], kind: type):
    names = {"schema_version"} if kind is LoadReport else set()
    names |= {field.name for field in fields(kind)}
    assert set(part["properties"]) == set(part["required"]) == names
    for name, field in part["properties"].items():
        assert field["title"][0].isupper(), name
        assert len(field["description"]) > 8, name
        assert "None" not in field["description"], name


def test_rules_are_rules_of_fields():
    names = {field.name for kind in (LoadReport, Probe) for field in fields(kind)}
    assert set(schema._RULES) <= names


def test_every_kind_of_probe_is_a_phase_of_the_live_view():
    assert set(PHASES) - {"waiting", "done"} == set(schema.PROBE_KINDS)


@pytest.mark.parametrize("given", [REPORT, INFEASIBLE, replace(REPORT, probes=(), cost=None)])
def test_written_reports_are_valid(given: LoadReport):
    VALIDATOR.validate(json.loads(to_json(given)))


def test_a_real_result_is_valid(tmp_path: Path):
    result = tmp_path / "result.json"
    with model_server() as port:
        assert run(port, "--max-seconds=1", f"--result={result}").returncode == 0
    VALIDATOR.validate(json.loads(result.read_text()))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"colour": "red"}, None),
        ({"schema_version": 1}, "schema_version"),
        ({"peak_rps": "fast"}, "peak_rps"),
        ({"peak_rps": None}, "peak_rps"),
        ({"peak_rps": -1}, "peak_rps"),
        ({"feasible": 2}, "feasible"),
        ({"error_rate": 1.5}, "error_rate"),
        ({"probes": {}}, "probes"),
        ({"probes": [{"kind": "rate"}]}, "probes"),
        ({"probes": [json.loads(to_json(REPORT))["probes"][0] | {"kind": "nap"}]}, "probes"),
    ],
)
def test_broken_files_are_refused(change: dict[str, object], path: str):
    errors = list(VALIDATOR.iter_errors(json.loads(to_json(REPORT)) | change))
    assert errors
    assert {next(iter(error.absolute_path), None) for error in errors} == {path}
