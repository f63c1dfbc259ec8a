"""Train codecs with dithered quantisation and measure them in the units of the theory.

The walk is ``Config → train_end_to_end → Run → evaluate → Measurement``; `train_universal` trains further
decoders on the encoder of a run, `train_refinements` a second encoder beside it.
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ModuleNotFoundError("neural needs torch and more, which are not installed; pip install 'rdcfunc[neural]'")

from . import recipes
from .config import Config, Data, Weights
from .data import Dataset, load
from .evaluate import Measurement, evaluate
from .reuse import train_decoders, train_refinements, train_universal
from .run import Run, load_run
from .sweep import Job, sweep
from .train import train_end_to_end, train_together

__all__ = [
    "Config",
    "Data",
    "Dataset",
    "Job",
    "Measurement",
    "Run",
    "Weights",
    "evaluate",
    "load",
    "load_run",
    "recipes",
    "sweep",
    "train_decoders",
    "train_end_to_end",
    "train_refinements",
    "train_together",
    "train_universal",
]
