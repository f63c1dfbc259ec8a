from . import classifications, distortions, perceptions, plotting, solvers, sources
from .checks import InfeasibleError
from .continua import Box, IsoRate
from .curve import Curve
from .fixed_encoder import Reuse, decode, encoder_from_counts, reuse_penalty
from .problem import Problem, Target
from .quantisation import vector_quantiser
from .solution import Prices, Solution, Status, WideBracketWarning
from .storage import load
from .tracing import trace
from .tradeoff import classification, distortion, perception, rate
from .universal import Penalty, one_shot_rate, rate_penalty, universal_rate
from .verification import certify

__version__: str

__all__ = [
    "Box",
    "Curve",
    "InfeasibleError",
    "IsoRate",
    "Penalty",
    "Prices",
    "Problem",
    "Reuse",
    "Solution",
    "Status",
    "Target",
    "WideBracketWarning",
    "certify",
    "classification",
    "classifications",
    "decode",
    "distortion",
    "distortions",
    "encoder_from_counts",
    "load",
    "one_shot_rate",
    "perception",
    "perceptions",
    "plotting",
    "rate",
    "rate_penalty",
    "reuse_penalty",
    "solvers",
    "sources",
    "trace",
    "universal_rate",
    "vector_quantiser",
]
