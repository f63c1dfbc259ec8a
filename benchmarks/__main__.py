"""``python -m benchmarks COMMAND``: each piece of the benchmarks, runnable alone; ``compare`` unless said otherwise."""

from __future__ import annotations

import sys
from importlib import import_module

#: Each command, the module whose ``main`` it is, and what it makes.
COMMANDS = {
    "compare": (
        "benchmarks.compare",
        "theory against networks on handwritten digits, the default",
    ),
    "figures": ("benchmarks.papers", "the figures of the papers, from the theory alone"),
    "report": ("benchmarks.report", "one page of all that was made so far"),
    "speed": ("benchmarks.speed.__main__", "time and gap beside other programs"),
    "costs": ("benchmarks.costs", "how cost grows with letters, classes and targets"),
    "mnist": ("benchmarks.mnist", "bounds for MNIST itself"),
    "best": ("benchmarks.best", "the best codecs found, on MNIST"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0] in ("-h", "--help", "help"):
        print("usage: python -m benchmarks [COMMAND] [-h] ...\n")
        print("\n".join(f"  {name:8} {what}" for name, (_, what) in COMMANDS.items()))
        return 0
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        print(f"no command {words[0]}; the commands are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    name = words.pop(0) if words and words[0] in COMMANDS else "compare"
    return import_module(COMMANDS[name][0]).main(words) or 0


if __name__ == "__main__":
    raise SystemExit(main())
