"""The studies of the literature, and smaller ones, as lists of codecs to train: weights, rates, seeds.

Where a paper trains λ_p = 0 with a weight that falls to 0 over the first epochs, so that its critic learns, these
train without a critic: distances are measured by judges trained afterwards. Cross-entropies are weighed in nats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from . import recipes
from .config import Config, Weights
from .sweep import Job

__all__ = ["house_numbers", "quick", "rdpc_paper", "reduced", "seed_paper", "universal_rdp_paper"]

#: Latents and levels: 4.755, 6, 8 and 10 bits.
RATES = ((3, 3), (3, 4), (4, 4), (5, 4))
CLASSIFICATION = (0.0, 0.0025, 0.005, 0.006, 0.008, 0.01, 0.011, 0.013, 0.015)
PERCEPTION = (0.0, 0.0033, 0.005, 0.0066, 0.008, 0.01, 0.011, 0.013, 0.015)
REUSED_PERCEPTION = (0.0, 0.0025, 0.004, 0.005, 0.006, 0.008, 0.009, 0.01, 0.011, 0.013)


def seed_paper(*, seeds: int = 3, device: str = "cuda", data_dir: str = "data") -> list[Job]:
    """List distortion and classification at four rates, with decoders on the encoders of the least and largest λ_c.

    >>> len(seed_paper(seeds=1))
    108
    """
    ends = [Weights(), Weights(classification=CLASSIFICATION[-1])]
    weights = [Weights(classification=each) for each in CLASSIFICATION]
    return list(_study(recipes.seed_paper(device=device, data_dir=data_dir), RATES, seeds, weights, ends, weights))


def universal_rdp_paper(*, seeds: int = 3, device: str = "cuda", data_dir: str = "data") -> list[Job]:
    """List distortion and perception at four rates, with decoders on the encoder of λ_p = 0.015.

    >>> len(universal_rdp_paper(seeds=1))
    76
    """
    weights, reused = ([Weights(perception=each) for each in list_] for list_ in (PERCEPTION, REUSED_PERCEPTION))
    base = recipes.seed_paper(device=device, data_dir=data_dir)
    return list(_study(base, RATES, seeds, weights, [weights[-1]], reused))


def rdpc_paper(*, seeds: int = 1, device: str = "cuda", data_dir: str = "data") -> list[Job]:
    """List distortion, perception and classification at 4.755 bits, end to end: every triple of weights.

    >>> len(rdpc_paper())
    252
    """
    perception = (0.0, 0.0025, 0.004, 0.005, 0.01, 0.013, 0.015)
    weights = [
        Weights(distortion=d, classification=c, perception=p)
        for d in (0.5, 0.8, 1.0, 1.2)
        for c in CLASSIFICATION
        for p in perception
    ]
    return list(_study(recipes.seed_paper(device=device, data_dir=data_dir), RATES[:1], seeds, weights, [], []))


def house_numbers(*, seeds: int = 1, device: str = "cuda", data_dir: str = "data") -> list[Job]:
    """List distortion and perception of SVHN at 30, 45 and 60 bits, with decoders on the encoder of λ_p = 0.002.

    >>> len(house_numbers())
    45
    """
    perception = (0.0, 0.00025, 0.0005, 0.00075, 0.001, 0.00125, 0.0015, 0.002)
    weights = [Weights(perception=each) for each in perception]
    base = recipes.house_numbers(device=device, data_dir=data_dir)
    return list(_study(base, ((10, 8), (15, 8), (20, 8)), seeds, weights, weights[-1:], weights[:-1]))


def reduced(*, seeds: int = 3, device: str = "cpu", data_dir: str = "data") -> list[Job]:
    """List what shows the price of reuse at 4.755 bits and nothing else, with 3 epochs, for a CPU.

    >>> len(reduced())
    18
    """
    base = replace(
        recipes.seed_paper(device=device, data_dir=data_dir),
        epochs=3,
        classifier_epochs=2,
        critic_widths=Config().critic_widths,
    )
    plain, reading, looking = Weights(), Weights(classification=0.015), Weights(perception=0.015)
    pairs = [(None, plain), (None, reading), (None, looking), (plain, reading), (reading, plain), (looking, plain)]
    return [
        Job(base.weighing(weights), None if encoder is None else base.weighing(encoder))
        for base in (replace(base, seed=seed) for seed in range(seeds))
        for encoder, weights in pairs
    ]


def quick(*, seeds: int = 3, device: str = "cpu", data_dir: str = "data") -> list[Job]:
    """List the default experiment on 8x8 digits, with decoders on two encoders.

    >>> len(quick(seeds=1))
    15
    """
    weights = [Weights(classification=each) for each in (0.0, 0.0025, 0.005, 0.01, 0.02)]
    base = recipes.quick(device=device, data_dir=data_dir)
    return list(_study(base, ((3, 3),), seeds, weights, [weights[0], weights[3]], weights))


def _study(
    base: Config,
    rates: Iterable[tuple[int, int]],
    seeds: int,
    end_to_end: Sequence[Weights],
    encoders: Sequence[Weights],
    reused: Sequence[Weights],
) -> Iterator[Job]:
    for seed in range(seeds):
        for dimension, levels in rates:
            config = replace(base, dimension=dimension, levels=levels, seed=seed)
            yield from (Job(config.weighing(weights)) for weights in end_to_end)
            for encoder in encoders:
                yield from (Job(config.weighing(weights), config.weighing(encoder)) for weights in reused)
