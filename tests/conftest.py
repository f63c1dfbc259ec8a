"""Profiles of hypothesis: quick by default, HYPOTHESIS_PROFILE=nightly for more."""

import os

import matplotlib as mpl
from hypothesis import settings

mpl.use("agg")
settings.register_profile("quick", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
