"""One trained codec for all tests that only look at it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from neural import Config, Run, recipes, train_end_to_end


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small layers are fastest on one
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def config() -> Config:
    """A configuration that trains in a fraction of a second."""
    return replace(recipes.quick(classification_weight=0.01), epochs=4, classifier_epochs=4)


@pytest.fixture(scope="session")
def run(config: Config) -> Run:
    """A codec that nobody may change."""
    return train_end_to_end(config)
