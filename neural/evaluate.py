"""Measure a run on held-out images, in the units of the theory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from statistics import fmean, stdev
from typing import Any

import torch
from torch import Tensor, nn

from rdcfunc import Target

from .classifiers import pretrained_judge
from .coder import Law
from .data import Dataset
from .models import in_blocks
from .perception import Perception, perceive
from .run import Run
from .streams import Stream

__all__ = ["Averages", "Measurement", "evaluate"]


@dataclass(frozen=True)
class Averages:
    """Hold the quantities that are averaged over dithers, or the standard errors of those averages.

    Parameters
    ----------
    rate
        H(Z|U), bits.
    written
        Bits an image that a range coder writes.
    overload
        The fraction of latents that the quantiser clips.
    D
        Mean squared error per pixel.
    C
        Cross-entropy of the run's own classifier on reconstructions, bits.
    floor
        H(S|Z,U), bits: no classifier that reads reconstructions has a smaller cross-entropy.
    refitted
        Cross-entropy of class frequencies refitted to the messages of training images, bits.
    refitted_distortion
        Mean squared error per pixel of the means of training images at the same message.
    accuracy
        Of the run's own classifier on reconstructions.
    judge_cross_entropy, judge_accuracy
        Those of the judge, bits and a fraction.
    """

    rate: float
    written: float
    overload: float
    D: float
    C: float
    floor: float
    refitted: float
    refitted_distortion: float
    accuracy: float
    judge_cross_entropy: float
    judge_accuracy: float


@dataclass(frozen=True)
class Measurement:
    """Hold what a run achieves on held-out images.

    Parameters
    ----------
    rate
        H(Z|U) in bits: what an entropy coder that knows the dither needs.
    nominal_rate
        d·log2 L in bits: what sending the message as it is needs. Never below `rate`; infinite without clipping.
    written
        Bits an image that a range coder writes, who knows the messages of the training images at the same dither.
    overload
        The fraction of latents that the quantiser clips, whose errors are then not uniform.
    target
        D, mean squared error per pixel; C, cross-entropy in bits of the run's own pre-trained classifier on
        the reconstructions; P is infinite, for `perception` holds estimates and no bound.
    floor
        H(S|Z,U) in bits, with the entropies of the empirical law: the cross-entropy of the best reader of the
        messages. With few images per message and class it is biased low.
    refitted
        Cross-entropy in bits of the class frequencies that the training images have at the same message and dither:
        what an honest reader of the messages attains. Never below `floor`.
    refitted_distortion
        Mean squared error per pixel of the mean of the training images at the same message and dither: a decoder that
        has nothing to learn. What D has beyond it is the decoder's own loss, or the price of its other aims.
    undithered_distortion
        The same where the dither is always zero: what `refitted_distortion` has beyond it is the price of the dither.
    accuracy
        Of the run's own classifier on the reconstructions.
    judge_cross_entropy, judge_accuracy
        Those of a classifier that training never saw, in bits and as a fraction.
    standard_error
        Of each average over the dithers. It does not cover the choice of test images, nor of training seed.
    perception
        Distances between the laws of reconstructions and images, if they were asked for.

    Examples
    --------
    >>> from neural import Config, evaluate, train_end_to_end
    >>> measured = evaluate(train_end_to_end(Config(epochs=1, classifier_epochs=1)), dithers=2)
    >>> measured.rate <= measured.nominal_rate and measured.floor <= measured.target.C
    True
    """

    rate: float
    nominal_rate: float
    written: float
    overload: float
    target: Target
    floor: float
    refitted: float
    refitted_distortion: float
    undithered_distortion: float
    accuracy: float
    judge_cross_entropy: float
    judge_accuracy: float
    standard_error: Averages
    perception: Perception | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries for JSON, which has no infinity: None stands for it."""
        levels = asdict(self.target).items()
        target = {name: level if math.isfinite(level) else None for name, level in levels}
        nominal = self.nominal_rate if math.isfinite(self.nominal_rate) else None
        return {**asdict(self), "target": target, "nominal_rate": nominal}


def evaluate(
    run: Run, *, dithers: int = 32, seed: int = 0, judge: nn.Module | None = None, perception: bool = False
) -> Measurement:
    """Measure rate, distortion and classification of `run` on its test images.

    Each dither vector is drawn once and used for all images, as the theory's shared randomness. Given it the
    codec is a deterministic map x → z → x̂, so entropies of the empirical law of (z, s) are exact, and
    ``floor <= C`` and ``floor <= judge_cross_entropy`` hold draw by draw.

    Parameters
    ----------
    run
        What to measure.
    dithers
        Draws of the dither vector, at least 2.
    seed
        The seed of the draws; runs measured with the same seed share their dithers.
    judge
        A classifier, images (n, pixels) to logits (n, classes), that `run` was not trained against; by
        default one is trained, once per process, from the run's configuration.
    perception
        Measure distances between laws too, as `perceive` does; that trains a critic.

    Returns
    -------
    Measurement
        Means over the draws, and their standard errors.

    Raises
    ------
    ValueError
        If `dithers` is less than 2.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> measured = evaluate(run, dithers=2)
    >>> measured.target.P, round(measured.nominal_rate, 3)
    (inf, 4.755)
    """
    if dithers < 2:
        raise ValueError(f"dithers must be >= 2 (got {dithers}); a standard error needs two draws")
    judge = pretrained_judge(run.config) if judge is None else judge
    codec, readers = run.codec.eval(), (run.classifier.eval(), judge.eval())
    draws = codec.quantizer.dither(dithers, Stream.MEASURE.generator(seed)).to(run.config.device)
    train, test = run.data.train.images, run.data.test
    images, labels = test.images, test.labels
    with torch.no_grad():
        known, features = (in_blocks(codec.encoder, each) for each in (train, images))
        table = []
        for dither in draws[:, None]:
            messages = codec.quantizer.codes(features, dither)
            sent, which = torch.unique(messages, return_inverse=True)
            reconstructions = codec.decode(sent, dither)  # one a message: there are far fewer than images
            rate, floor = _entropies(which, labels)
            (own, accuracy), (other, judged) = (_read(reader(reconstructions), which, labels) for reader in readers)
            earlier = codec.quantizer.codes(known, dither)
            law = Law.of(earlier)
            refitted, _ = _read(_posterior(law, earlier, run.data), law.places(messages), labels)
            table.append(
                Averages(
                    rate=rate,
                    written=8 * len(law.write(messages)) / len(messages),
                    overload=codec.quantizer.overload(features, dither).double().mean().item(),
                    D=(images - reconstructions[which]).square().mean().item(),
                    C=own,
                    floor=floor,
                    refitted=refitted,
                    refitted_distortion=(images - _means(law, earlier, train)[law.places(messages)])
                    .square()
                    .mean()
                    .item(),
                    accuracy=accuracy,
                    judge_cross_entropy=other,
                    judge_accuracy=judged,
                )
            )
        still = torch.zeros_like(draws[:1])
        earlier = codec.quantizer.codes(known, still)
        law = Law.of(earlier)
        shown = _means(law, earlier, train)[law.places(codec.quantizer.codes(features, still))]
        undithered = (images - shown).square().mean().item()
    means = asdict(_over(table, fmean))
    return Measurement(
        nominal_rate=run.config.rate,
        target=Target(D=means.pop("D"), C=means.pop("C")),
        undithered_distortion=undithered,
        **means,
        standard_error=_over(table, lambda draws: stdev(draws) / math.sqrt(len(draws))),
        perception=perceive(run, seed=seed) if perception else None,
    )


def _posterior(law: Law, messages: Tensor, data: Dataset) -> Tensor:
    """Return log p(class|message), (K + 1, classes), of training images; one image of no message is added to each."""
    labels, classes = data.train.labels, data.classes
    prior = torch.bincount(labels, minlength=classes).double() / len(labels)
    cells = law.places(messages) * classes + labels
    counts = torch.bincount(cells, minlength=(len(law.symbols) + 1) * classes).view(-1, classes)
    return ((counts + prior) / (counts.sum(1, keepdim=True) + 1)).log()


def _means(law: Law, messages: Tensor, images: Tensor) -> Tensor:
    """Return the mean image of each message, (K + 1, pixels); the mean of all stands for a message never seen."""
    places = law.places(messages)
    sums = images.new_zeros(len(law.symbols) + 1, images.shape[1]).index_add_(0, places, images)
    counts = torch.bincount(places, minlength=len(sums))
    sums[-1], counts[-1] = images.sum(0), len(images)
    return sums / counts[:, None]


def _entropies(which: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return H(Z) and H(S|Z) in bits of the empirical law of messages and labels, both (n,)."""
    classes = int(labels.max()) + 1
    counts = torch.bincount(which * classes + labels, minlength=classes * (int(which.max()) + 1))
    joint = counts.view(-1, classes).double() / len(labels)
    messages = joint.sum(1, keepdim=True)
    rate = -torch.xlogy(messages, messages).sum() / math.log(2)
    floor = -torch.xlogy(joint, joint / messages).sum() / math.log(2)
    return rate.item(), floor.item()


def _read(logits: Tensor, which: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return cross-entropy in bits and accuracy, from the logits (messages, classes) of each message."""
    log_probabilities = logits.double().log_softmax(1)
    cross_entropy = -log_probabilities[which, labels].mean() / math.log(2)
    accuracy = (logits.argmax(1)[which] == labels).double().mean()
    return cross_entropy.item(), accuracy.item()


def _over(table: Sequence[Averages], statistic: Callable[[Sequence[float]], float]) -> Averages:
    return Averages(*(statistic(column) for column in zip(*map(astuple, table), strict=True)))
