"""Run the Python of README.md and docs/*.md as tests."""

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

# The parser runs plain blocks as they are and blocks with >>> prompts as doctests.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()], patterns=["README.md", "docs/**/*.md", "docs/*.md"]
).pytest()
