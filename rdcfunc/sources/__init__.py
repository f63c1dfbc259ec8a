"""Sources: the law of what is to be compressed."""

from rdcfunc.sources.discrete import Discrete, bernoulli, from_samples, uniform
from rdcfunc.sources.gaussian import Gaussian
from rdcfunc.sources.on_points import discretise, mixture
from rdcfunc.sources.samples import Samples

__all__ = ["Discrete", "Gaussian", "Samples", "bernoulli", "discretise", "from_samples", "mixture", "uniform"]
