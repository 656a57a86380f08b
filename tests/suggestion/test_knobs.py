"""Recognition of knobs by name, and their values in any of the usual units."""

import pytest

from suggestion.errors import InvalidExperimentError
from suggestion.knobs import Amount, amounts, canonical, recognise


@pytest.mark.parametrize(
    ("name", "knob"),
    [
        ("cpuCores", "cpu_cores"),
        ("CPU", "cpu_cores"),
        ("gpu-memory", "gpu_memory_percent"),
        ("gpuMemGiB", "gpu_memory_percent"),
        ("gpu_time_share", "gpu_time_percent"),
        ("gpuType", "gpu_type"),
        ("gpu", "gpu_type"),
        ("max_num_seqs", "batch_size"),
        ("tp", "tensor_parallelism"),
        ("learning_rate", "learningrate"),
        ("cpu_cores", "cpu_cores"),
        ("gpu_memory_percent", "gpu_memory_percent"),
    ],
)
def test_names(name: str, knob: str):
    assert canonical(name) == knob


def test_what_is_told_overrules_the_name():
    found = recognise(["gpu", "a", "cpu"], {"gpu": "gpu_memory_percent", "a": "gpu_type"})
    assert found == {"gpu_memory_percent": "gpu", "gpu_type": "a", "cpu_cores": "cpu"}


def test_two_parameters_that_look_like_one_knob_are_none():
    assert recognise(["cpu", "cores", "batch"], {}) == {"batch_size": "batch"}
    assert recognise(["cpu", "cores"], {"cores": "cpu_cores"}) == {"cpu_cores": "cores"}


def test_an_unknown_parameter_is_refused():
    with pytest.raises(InvalidExperimentError, match=r"^knobs must name .* but got 'x'\.$"):
        recognise(["cpu"], {"x": "cpu_cores"})
    with pytest.raises(InvalidExperimentError, match=r"^knobs must give each knob to one"):
        recognise(["a", "b"], {"a": "cpu_cores", "b": "cpu_cores"})


@pytest.mark.parametrize(
    ("knob", "name", "texts", "expected"),
    [
        ("cpu_cores", "cpu", ["1", "2.5"], [1, 2.5]),
        ("cpu_cores", "cpu", ["500m", "1500m"], [0.5, 1.5]),
        ("cpu_cores", "cpu", ["500m", "1", "2"], [0.5, 1, 2]),
        ("cpu_cores", "cpu", ["250", "1000"], [0.25, 1]),
        ("cpu_cores", "cpu", ["50", "4000"], [0.05, 4]),
        ("cpu_cores", "cpuMillicores", ["50", "500"], [0.05, 0.5]),
        ("cpu_cores", "cpuMillicores", ["500m", "1000m"], [0.5, 1]),
        ("gpu_memory_percent", "m", ["5", "40"], [0.05, 0.4]),
        ("gpu_memory_percent", "m", ["0.05", "1"], [0.05, 1]),
        ("gpu_memory_percent", "m", ["5%", "40%"], [0.05, 0.4]),
        ("gpu_time_percent", "t", ["100"], [1]),
        ("batch_size", "b", ["1", "128"], [1, 128]),
    ],
)
def test_units(knob: str, name: str, texts: list[str], expected: list[float]):
    read = amounts(knob, name, texts)
    assert read is not None
    assert [amount.value for amount in read] == pytest.approx(expected)
    assert not any(amount.is_bytes for amount in read)


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        ("gpuMemGiB", ["2", "4"], [2 * 2**30, 4 * 2**30]),
        ("gpu_memory_mb", ["512"], [512 * 2**20]),
        ("gpumem", ["1024", "3000"], [1024 * 2**20, 3000 * 2**20]),
    ],
)
def test_memory_in_bytes(name: str, texts: list[str], expected: list[float]):
    read = amounts("gpu_memory_percent", name, texts)
    assert read == [Amount(value, is_bytes=True) for value in expected]


@pytest.mark.parametrize(
    ("knob", "texts"),
    [
        ("cpu_cores", ["a"]),
        ("cpu_cores", ["1e200"]),
        ("batch_size", ["0"]),
        ("batch_size", ["nan"]),
        ("gpu_time_percent", ["50", "200"]),
        ("tensor_parallelism", ["tp1", "tp2"]),
    ],
)
def test_values_that_make_no_sense(knob: str, texts: list[str]):
    assert amounts(knob, "x", texts) is None
