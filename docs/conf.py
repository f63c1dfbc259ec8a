"""Sphinx configuration."""

import rdcfunc

project = "rdcfunc"
author = "The rdcfunc authors"
copyright = f"2026, {author}"
release = version = rdcfunc.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "rdcfunc"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_default_options = {"members": True}
