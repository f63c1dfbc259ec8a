"""What else computes R(D) and R(D, P), each in its best form."""

from benchmarks.speed.peers.base import Answer, Array, Peer, Task
from benchmarks.speed.peers.cones import Cones
from benchmarks.speed.peers.sweeps import Bisection, Constrained, Dit

__all__ = ["PEERS", "Answer", "Array", "Bisection", "Cones", "Constrained", "Dit", "Peer", "Task"]

#: Everything that rdcfunc is compared with.
PEERS: tuple[Peer, ...] = (
    *(Cones(name) for name in ("CLARABEL", "ECOS", "SCS", "MOSEK", "COPT")),
    Dit("dit"),
    Bisection("Blahut-Arimoto, bisection"),
    Constrained("constrained Blahut-Arimoto"),
)
