"""Files of request bodies: exact ratios, seeded order, refusals."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from load_generator.errors import PayloadError
from load_generator.payload_files import PayloadFile, parse_payload_file, read_payloads


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [
        ("a.json", "a.json", 1),
        ("a.json=3", "a.json", 3),
        ("a.json=0.25", "a.json", Fraction(1, 4)),
        ("a=b.json", "a=b.json", 1),
        ("a=b.json=2", "a=b.json", 2),
        ("a.json=", "a.json=", 1),
        ("=3", "=3", 1),
        ("a.json=1e999999999", "a.json=1e999999999", 1),
    ],
)
def test_files_and_weights(text: str, path: str, weight: Fraction):
    assert parse_payload_file(text) == PayloadFile(Path(path), Fraction(weight))
    assert parse_payload_file(text, is_template=True).is_template


@pytest.mark.parametrize("text", ["a.json=0", "a.json=-1"])
def test_weights_are_positive(text: str):
    with pytest.raises(PayloadError, match=f"must be a number above 0, but got '{text}'"):
        parse_payload_file(text)


def test_one_file_goes_out_as_it_stands(tmp_path: Path):
    content = b"\x00\xff{{int:0:1}}\r\n"
    payloads = read_payloads([PayloadFile(write(tmp_path, "a", content))], seed=0)
    assert payloads.bodies == (content,)


def test_a_template_is_rendered_256_times(tmp_path: Path):
    path = write(tmp_path, "a", b"<{{int:0:1000000}}>")
    files = [PayloadFile(path, is_template=True)]
    payloads = read_payloads(files, seed=0)
    assert len(payloads.bodies) == 256
    assert len(set(payloads.bodies)) > 250
    assert payloads == read_payloads(files, seed=0) != read_payloads(files, seed=1)


def test_ratios_are_exact_in_every_cycle_and_the_order_is_seeded(tmp_path: Path):
    files = [
        PayloadFile(write(tmp_path, "a", b"a"), Fraction("0.5")),
        PayloadFile(write(tmp_path, "b", b"b"), Fraction("0.3")),
        PayloadFile(write(tmp_path, "c", b"c"), Fraction("0.2")),
    ]
    payloads = read_payloads(files, seed=5)
    assert len(payloads.bodies) == 10
    assert Counter(payloads.bodies) == {b"a": 5, b"b": 3, b"c": 2}
    orders = {read_payloads(files, seed).bodies for seed in range(20)}
    assert len(orders) > 15
    assert payloads == read_payloads(files, seed=5)


def test_a_mix_with_a_template_sends_all_of_its_renderings(tmp_path: Path):
    fixed = PayloadFile(write(tmp_path, "a", b"a"), Fraction(3))
    template = PayloadFile(write(tmp_path, "b", b"{{uuid}}"), Fraction(1), is_template=True)
    payloads = read_payloads([fixed, template], seed=0)
    assert len(payloads.bodies) == 4 * 256
    assert len(set(payloads.bodies)) == 257
    for start in range(0, 1024, 4):
        assert payloads.bodies[start : start + 4].count(b"a") == 3
    # The order differs from cycle to cycle.
    places = {payloads.bodies[start : start + 4].index(b"a") for start in range(0, 1024, 4)}
    assert places == {0, 1}
    # A file beside it does not change what a template yields.
    alone = read_payloads([fixed, template, PayloadFile(fixed.path)], seed=0)
    assert set(alone.bodies) == set(payloads.bodies)


def test_a_large_template_is_rendered_less_often(tmp_path: Path):
    path = write(tmp_path, "a", b"{{uuid}}" + b"x" * 2**20)
    assert len(read_payloads([PayloadFile(path, is_template=True)], seed=0).bodies) == 7


def test_refusals(tmp_path: Path):
    with pytest.raises(PayloadError, match=r"must be a readable file, but: .*absent"):
        read_payloads([PayloadFile(tmp_path / "absent")], seed=0)
    with pytest.raises(PayloadError, match="must be UTF-8"):
        read_payloads([PayloadFile(write(tmp_path, "a", b"\xff"), is_template=True)], seed=0)
    with pytest.raises(PayloadError, match=r"b: A field of a template must .* got {{x}}"):
        read_payloads([PayloadFile(write(tmp_path, "b", b"{{x}}"), is_template=True)], seed=0)
    weights = [Fraction("0.00001"), Fraction(1)]
    with pytest.raises(PayloadError, match=r"must repeat within 10000 .* \[1, 100000\] repeat"):
        read_payloads([PayloadFile(tmp_path / "a", weight) for weight in weights], seed=0)
