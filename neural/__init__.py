"""Train codecs with dithered quantisation and measure them in the units of the theory.

The walk is ``Config → train_end_to_end → Run → evaluate → Measurement``; `train_universal` trains further
decoders on the encoder of a run.
"""

from . import recipes
from .config import Config, Data
from .data import Dataset, load
from .evaluate import Measurement, evaluate
from .run import Run, load_run
from .train import train_end_to_end, train_universal

__all__ = [
    "Config",
    "Data",
    "Dataset",
    "Measurement",
    "Run",
    "evaluate",
    "load",
    "load_run",
    "recipes",
    "train_end_to_end",
    "train_universal",
]
