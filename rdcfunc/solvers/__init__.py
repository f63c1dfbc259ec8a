"""Methods, as frozen values: each proposes a channel and prices, and claims nothing."""

from rdcfunc.solvers.alternation import Alternation
from rdcfunc.solvers.auto import Auto
from rdcfunc.solvers.base import Solver
from rdcfunc.solvers.blahut_arimoto import BlahutArimoto
from rdcfunc.solvers.branch_and_bound import BranchAndBound
from rdcfunc.solvers.chords import Chords
from rdcfunc.solvers.closed_form import ClosedForm
from rdcfunc.solvers.column_generation import ColumnGeneration
from rdcfunc.solvers.conic import Conic
from rdcfunc.solvers.grid import Grid
from rdcfunc.solvers.interior_point import InteriorPoint
from rdcfunc.solvers.particles import Particles
from rdcfunc.solvers.tuple_generation import TupleGeneration

__all__ = [
    "Alternation",
    "Auto",
    "BlahutArimoto",
    "BranchAndBound",
    "Chords",
    "ClosedForm",
    "ColumnGeneration",
    "Conic",
    "Grid",
    "InteriorPoint",
    "Particles",
    "Solver",
    "TupleGeneration",
]
