"""Run the Python of README.md and docs/*.md as tests, and everything on one thread: the matrices are small."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from sybil import Sybil  # noqa: E402 - what it loads reads the variables above
from sybil.parsers.markdown import PythonCodeBlockParser  # noqa: E402

# The parser runs plain blocks as they are and blocks with >>> prompts as doctests.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()], patterns=["README.md", "docs/**/*.md", "docs/*.md"]
).pytest()

# The documentation's build runs these.
collect_ignore_glob = ["docs/conf.py", "docs/examples/*", "docs/gallery/*", "docs/figures/*", "docs/_build/*"]
