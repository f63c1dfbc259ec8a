"""Rate-distortion theory with perception and classification: every answer with certified bounds.

>>> import rdcfunc as rdc
>>> from rdcfunc import sources, distortions, perceptions
>>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
>>> solution = rdc.rate(problem, D=0.1, P=0.02)
>>> f"{solution.lower:.6f} <= R(D, P) <= {solution.upper:.6f}"
'0.417674 <= R(D, P) <= 0.417674'
"""

from rdcfunc import classifications, distortions, perceptions, solvers, sources
from rdcfunc.checks import InfeasibleError
from rdcfunc.continua import Box, IsoRate
from rdcfunc.curve import Curve, trace
from rdcfunc.fixed_encoder import Reuse, decode, encoder_from_counts, reuse_penalty
from rdcfunc.problem import Problem, Target
from rdcfunc.quantisation import vector_quantiser
from rdcfunc.solution import Prices, Solution, Status, WideBracketWarning
from rdcfunc.tradeoff import certify, classification, distortion, perception, rate
from rdcfunc.universal import Penalty, one_shot_rate, rate_penalty, universal_rate

__version__ = "0.1.0"

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
    "one_shot_rate",
    "perception",
    "perceptions",
    "rate",
    "rate_penalty",
    "reuse_penalty",
    "solvers",
    "sources",
    "trace",
    "universal_rate",
    "vector_quantiser",
]
