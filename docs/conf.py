"""Sphinx configuration."""

import os
import warnings

import matplotlib as mpl

import rdcfunc

mpl.use("agg")
# An example that warns fails, as a test does.
warnings.filterwarnings("error", module="rdcfunc|__main__")
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "rdcfunc"
author = "The rdcfunc authors"
copyright = f"2026, {author}"
release = version = rdcfunc.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "sphinx_copybutton",
]
myst_enable_extensions = ["dollarmath", "amsmath"]
exclude_patterns = ["_build", "examples", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip", "gallery/*.json"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 5,
    "matplotlib_animations": False,
}
# What is copied are the commands, without prompts and answers.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
html_theme = "furo"
html_title = "rdcfunc"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_default_options = {"members": True}
