"""What importing the theory may load, and what it may know of."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rdcfunc

PACKAGE = Path(rdcfunc.__file__).parent


HEAVY = {"torch", "torchvision", "jax", "cvxpy", "ot", "matplotlib", "pandas", "tqdm", "click", "neural", "benchmarks"}
SLOW = {"scipy.optimize", "scipy.signal", "scipy.stats"}
ANSWER = "rdcfunc.rate(rdcfunc.Problem(rdcfunc.sources.uniform(4), rdcfunc.distortions.hamming(4)), D=0.1)"


def loaded(statement: str) -> set[str]:
    """Return the modules that a new interpreter holds after a statement."""
    code = f"import sys, rdcfunc; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_is_light() -> None:
    assert not loaded("pass") & (HEAVY | SLOW | {"numpy", "rdcfunc.program"})


def test_a_first_answer_loads_what_it_needs_and_no_more() -> None:
    found = loaded(ANSWER)
    assert not found & (HEAVY | SLOW)
    assert {"numpy", "rdcfunc.program"} < found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_theory_knows_nothing_of_networks(path: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import)\s+(\w+)", path.read_text(), flags=re.MULTILINE)
    assert not {"torch", "torchvision", "neural", "benchmarks"} & set(imported)


def test_public_names_exist() -> None:
    assert sorted(rdcfunc.__all__) == list(rdcfunc.__all__)
    assert all(hasattr(rdcfunc, name) for name in rdcfunc.__all__)
