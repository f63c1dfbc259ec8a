"""A finished training: the frozen codec, what it was trained on, and a file that holds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rdcfunc.files import write

from . import archive
from .codec import Codec, build_codec
from .config import Config
from .data import Dataset, load
from .models import freeze
from .networks import build_classifier

__all__ = ["Run", "load_run", "restored"]


@dataclass(frozen=True, eq=False)
class Run:
    """Hold a trained codec with its provenance; its networks are frozen from here on.

    Parameters
    ----------
    config
        What it was trained on and how; `classification_weight` is that of its decoder.
    codec
        The encoder, quantiser and decoder.
    classifier
        The frozen pre-trained classifier whose cross-entropy was in the loss.
    history
        The mean training loss of each epoch.
    seconds
        Wall-clock time of the codec's training, classifier excluded; its share, if codecs were trained together.
    encoder
        What a reused encoder was trained on and how; None for a codec trained end to end.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> run.universal, len(run.history), len(run.data.test)
    (False, 1, 596)
    """

    config: Config
    codec: Codec
    classifier: nn.Module
    history: tuple[float, ...]
    seconds: float
    encoder: Config | None = None

    def __post_init__(self) -> None:
        """Freeze the networks: a run is what was trained, and measuring it must not change it."""
        freeze(self.codec, self.classifier)

    @property
    def universal(self) -> bool:
        """Return whether the decoder was trained on another run's frozen encoder."""
        return self.encoder is not None

    @property
    def data(self) -> Dataset:
        """Return the data set of `config`, loading it if this process has not yet."""
        return load(self.config)

    def to_dict(self) -> dict[str, Any]:
        """Return what was trained and in what time as values that JSON can hold; networks and losses aside."""
        return {
            "config": self.config.to_dict(),
            "encoder": None if self.encoder is None else self.encoder.to_dict(),
            "seconds": self.seconds,
        }

    def save(self, path: str | Path) -> None:
        """Write the run to `path`: whole or, if interrupted, not at all.

        Folders are created as needed; `load_run` is the inverse.
        """
        content = {
            **self.to_dict(),
            "codec": self.codec.state_dict(),
            "classifier": self.classifier.state_dict(),
            "history": list(self.history),
        }
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write(path, lambda file: torch.save(content, file))


def load_run(path: str | Path, *, device: str | None = None, data_dir: str | None = None) -> Run:
    """Read a run that `Run.save` wrote; nothing in the file is executed.

    Parameters
    ----------
    path
        The file.
    device, data_dir
        Where this machine computes and holds its data, if not where the run was trained.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no data set of the run here.
    DamagedFileError
        If the file is cut short or changed.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run.save(f"{folder}/run.pt")
    ...     load_run(f"{folder}/run.pt").history == run.history
    True
    """
    return restored(archive.load(path), device=device, data_dir=data_dir)


def restored(content: dict[str, Any], *, device: str | None = None, data_dir: str | None = None) -> Run:
    """Return the run that a file holds, as :func:`load_run` does."""
    config = Config.from_dict(content["config"])
    config = replace(config, device=device or config.device, data_dir=data_dir or config.data_dir)
    data = load(config)
    codec = build_codec(config, data.pixels)
    codec.load_state_dict(content["codec"])
    classifier = build_classifier(config, data.pixels, data.classes).to(config.device)
    classifier.load_state_dict(content["classifier"])
    encoder = None if content["encoder"] is None else Config.from_dict(content["encoder"])
    return Run(config, codec, classifier, tuple(content["history"]), content["seconds"], encoder)
