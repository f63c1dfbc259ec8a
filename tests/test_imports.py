"""What importing the theory may load, and what it may know of."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rdcfunc

PACKAGE = Path(rdcfunc.__file__).parent


def test_import_is_light() -> None:
    heavy = ["torch", "torchvision", "cvxpy", "matplotlib", "pandas", "tqdm", "neural", "benchmarks"]
    code = f"import json, sys, rdcfunc; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_theory_knows_nothing_of_networks(path: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import)\s+(\w+)", path.read_text(), flags=re.MULTILINE)
    assert not {"torch", "torchvision", "neural", "benchmarks"} & set(imported)


def test_public_names_exist() -> None:
    assert sorted(rdcfunc.__all__) == list(rdcfunc.__all__)
    assert all(hasattr(rdcfunc, name) for name in rdcfunc.__all__)
