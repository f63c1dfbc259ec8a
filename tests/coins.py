"""Coins with a measure each: what wrong arguments and levels out of reach are tried on."""

from dataclasses import replace

from problems import COIN

from rdcfunc import classifications, distortions, perceptions

PLAIN = replace(COIN, perception=None)
OFFSET = replace(PLAIN, distortion=distortions.matrix([[0.2, 1.0], [1.0, 0.2]]))
ENTROPY = replace(PLAIN, classification=classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]]))
TAGGED = replace(PLAIN, classification=classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]], tagged=True))
JUDGED = replace(PLAIN, classification=classifications.ErrorRate([[1.0, 0.0], [0.2, 0.8]], [0, 1]))
FLIPPED = replace(PLAIN, classification=classifications.ErrorRate([0, 1], [1, 0]))
FAR = replace(PLAIN, perception=perceptions.Wasserstein([[1.0, 2.0], [2.0, 1.0]]))
