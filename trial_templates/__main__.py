"""Command line: ``python -m trial_templates``."""

import argparse
import sys
from collections.abc import Sequence

from trial_templates.examples import EXAMPLES, ROOT


def main(argv: Sequence[str] | None = None) -> int:
    """Writes or checks the files and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trial_templates",
        description="Writes trial_templates/*/*.yaml and examples/*/*.yaml from their parts.",
        epilog="exit codes: 0 done; 1 with --check: a file is not current; 2 wrong usage",
    )
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    arguments = parser.parse_args(argv)
    texts = {path: text for example in EXAMPLES for path, text in example.texts().items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)}{' is not current' if arguments.check else ''}")
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path])
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
