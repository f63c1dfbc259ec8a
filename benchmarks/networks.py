"""End-to-end codecs and universal decoders on frozen encoders, trained and measured one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.store import Rows, provenance
from neural import Config, Run, evaluate, recipes, train_end_to_end, train_universal


@dataclass(frozen=True)
class Study:
    """What is trained: every classification weight end to end, and again as decoders of some encoders.

    Attributes
    ----------
    base
        The configuration that weights and seeds vary.
    weights
        Classification weights, in nats of cross-entropy per unit of mean squared error.
    encoders
        Weights whose encoders are frozen and given a decoder for each weight.
    seeds
        Seeds, one repetition of everything each.
    """

    base: Config
    weights: tuple[float, ...]
    encoders: tuple[float, ...]
    seeds: tuple[int, ...]

    def plan(self) -> list[tuple[Config, float | None]]:
        """Return each codec as its configuration and the weight of the encoder it reuses, None for end to end."""
        return [
            (replace(self.base, classification_weight=weight, seed=seed), encoder)
            for seed in self.seeds
            for encoder in (None, *self.encoders)
            for weight in self.weights
        ]


def quick(seeds: int = 3, dimension: int = 3, levels: int = 3) -> Study:
    """Return the study of the embedded digits at d·log2 L bits, 4.755 unless said otherwise.

    >>> len(quick(seeds=1).plan())
    15
    """
    base = replace(recipes.quick(), dimension=dimension, levels=levels)
    return Study(base, (0.0, 0.0025, 0.005, 0.01, 0.02), (0.0, 0.01), tuple(range(seeds)))


def measure(study: Study, rows: Rows) -> Iterator[None]:
    """Train and measure what ``rows`` does not hold yet, yielding after each codec of the plan.

    A codec depends on its configuration alone, so an encoder that a finished run no longer holds is trained again.
    """
    made, done = provenance(), {_key(row) for row in of_study(study, rows)}
    encoders: dict[tuple[int, float], Run] = {}
    for config, encoder in study.plan():
        if _key({"config": config.to_dict(), "encoder_weight": encoder}) not in done:
            if encoder is None:
                run = train_end_to_end(config)
                encoders[config.seed, config.classification_weight] = run
            else:
                if (config.seed, encoder) not in encoders:
                    reused = replace(config, classification_weight=encoder)
                    encoders[config.seed, encoder] = train_end_to_end(reused)
                (run,) = train_universal(encoders[config.seed, encoder], [config.classification_weight])
            measured = evaluate(run).to_dict()
            rows.append(
                {
                    "config": config.to_dict(),
                    "encoder_weight": encoder,
                    "seconds": run.seconds,
                    "measurement": measured,
                    "provenance": made,
                }
            )
        yield


def of_study(study: Study, rows: Rows) -> list[dict[str, Any]]:
    """Return the rows that belong to this study and were made by the code as it is now."""
    made, planned = provenance(), {_key({"config": c.to_dict(), "encoder_weight": e}) for c, e in study.plan()}
    return [row for row in rows.rows if row["provenance"] == made and _key(row) in planned]


def _key(row: dict[str, object]) -> str:
    return repr((row["config"], row["encoder_weight"]))
