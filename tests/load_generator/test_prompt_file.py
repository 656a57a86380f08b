"""Prompts from JSON lines: both forms, lengths, and each rule with the number of its line."""

from pathlib import Path

import pytest

from load_generator.errors import PayloadError
from load_generator.prompt_file import FilePrompts, read_prompts
from load_generator.prompts import Prompt
from load_generator.token_lengths import parse_token_lengths

CHAT = '{"messages": [{"role": "user", "content": "Hi"}]}'


def read(folder: Path, text: str, *, is_chat: bool = True) -> FilePrompts:
    path = folder / "prompts.jsonl"
    path.write_text(text, "utf-8")
    lengths = parse_token_lengths("uniform:10:1000")
    return FilePrompts(read_prompts(path, is_chat=is_chat), lengths, seed=0)


def test_lines_come_in_order_and_again(tmp_path: Path):
    source = read(tmp_path, '{"prompt": "a", "max_tokens": 3}\n\n{"prompt": "ä\u2028"}\n')
    first, second = source.pick(0, 0), source.pick(0, 1)
    assert first == Prompt("a", 3)
    assert second.text == "ä\u2028"
    assert 10 <= second.max_tokens <= 1000
    assert [source.pick(0, 2), source.pick(9, 3)] == [first, second]


def test_chats(tmp_path: Path):
    source = read(tmp_path, CHAT)
    assert source.pick(0, 0).messages == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "must be a JSON object, but prompts.jsonl, line 2 is 'nonsense'"),
        ("[" * 100_000, "must be a JSON object"),
        ('["a"]', "must be a JSON object"),
        ("{}", "must hold a prompt text or messages, but prompts.jsonl, line 2 is '{}'"),
        ('{"prompt": ["a"]}', "must hold a prompt text or messages"),
        ('{"messages": []}', "must be a list of objects with a role"),
        ('{"messages": [{"content": "Hi"}]}', "must be a list of objects with a role"),
        ('{"prompt": "a", "max_tokens": 0}', "max_tokens must be at least 1, but"),
        ('{"prompt": "a", "max_tokens": "9"}', "line 2 has '9'"),
        ('{"prompt": "a", "max_tokens": true}', "line 2 has True"),
    ],
)
def test_what_is_refused(tmp_path: Path, line: str, message: str):
    with pytest.raises(PayloadError) as caught:
        read(tmp_path, f"{CHAT}\n{line}\n")
    assert message in str(caught.value)


def test_completions_take_no_messages(tmp_path: Path):
    with pytest.raises(PayloadError, match="Only openai-chat takes messages, but"):
        read(tmp_path, CHAT, is_chat=False)


def test_files_without_prompts(tmp_path: Path):
    with pytest.raises(PayloadError, match="must have at least one line"):
        read(tmp_path, "\n\n")
    with pytest.raises(PayloadError, match="must be a readable text file, but"):
        read_prompts(tmp_path / "none.jsonl", is_chat=True)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(PayloadError, match="must be a readable text file, but"):
        read_prompts(tmp_path / "binary", is_chat=True)
