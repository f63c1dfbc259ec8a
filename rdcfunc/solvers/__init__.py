"""Methods, as frozen values: each proposes a channel and prices, and claims nothing."""

from rdcfunc.solvers.alternation import Alternation
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.blahut_arimoto import BlahutArimoto
from rdcfunc.solvers.column_generation import ColumnGeneration
from rdcfunc.solvers.conic import Conic

__all__ = ["Alternation", "BlahutArimoto", "ColumnGeneration", "Conic", "Solver"]
