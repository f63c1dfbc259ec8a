"""Rate-distortion theory with perception and classification: every answer with certified bounds.

A :class:`Problem` is a source with its measures; they are made by :mod:`~rdcfunc.sources`, :mod:`~rdcfunc.distortions`,
:mod:`~rdcfunc.perceptions` and :mod:`~rdcfunc.classifications`. Verbs ask one question of it: :func:`rate`,
:func:`distortion`, :func:`perception` and :func:`classification` return a :class:`Solution`, :func:`trace` a
:class:`Curve`; :func:`universal_rate` and :func:`rate_penalty` ask for one encoder for many targets, :func:`decode` and
:func:`reuse_penalty` for decoders of an encoder that is kept. Figures are in :mod:`~rdcfunc.plotting`.

>>> import rdcfunc as rdc
>>> from rdcfunc import sources, distortions, perceptions
>>> problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
>>> solution = rdc.rate(problem, D=0.1, P=0.02)
>>> f"{solution.lower:.6f} <= R(D, P) <= {solution.upper:.6f}"
'0.417674 <= R(D, P) <= 0.417674'
"""

import lazy_loader

__version__ = "0.1.0"

# The names stand in __init__.pyi; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
