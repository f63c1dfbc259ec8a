"""A recorded step is the step: on a simulated device, whose graphs repeat operations on the memory of the recording."""

from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from neural.fit import fit
from neural.graph import Recorded

WARMING = 5


class Graph(TorchDispatchMode):
    """The operations of a recording, which leaves no trace: nothing counts as computed before the first replay."""

    def __init__(self):
        super().__init__()
        self.operations, self.before, self.generators = [], [], []

    def register_generator_state(self, generator):
        self.generators.append(generator)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if "generator" in kwargs:
            seeds = {each.initial_seed() for each in self.generators}  # operations get generators in other wrappers
            assert kwargs["generator"].initial_seed() in seeds, "a recording draws from registered generators only"
        if operation._schema.is_mutable:
            tensors = torch.utils._pytree.tree_leaves((args, kwargs))
            self.before += [(each, each.clone()) for each in tensors if isinstance(each, torch.Tensor)]
        output = operation(*args, **kwargs)
        self.operations.append((operation, args, kwargs, output))
        return output

    @torch.no_grad()
    def replay(self):
        for operation, args, kwargs, output in self.operations:
            again = operation(*args, **kwargs)
            if not (operation._schema.is_mutable or operation.is_view):
                for kept, value in zip(*map(torch.utils._pytree.tree_leaves, (output, again)), strict=True):
                    if isinstance(kept, torch.Tensor):
                        kept.copy_(value)


@contextmanager
def recording(graph):
    states = [generator.get_state() for generator in graph.generators]
    with graph:
        yield
    with torch.no_grad():
        for tensor, value in reversed(graph.before):
            tensor.copy_(value)
    for generator, state in zip(graph.generators, states, strict=True):
        generator.set_state(state)


class Stream:
    def wait_stream(self, other):
        assert isinstance(other, Stream)


@pytest.fixture
def device(monkeypatch):
    """The package sees a device with graphs."""
    simulated = {"Stream": Stream, "current_stream": Stream, "stream": nullcontext, "is_available": lambda: True}
    cuda = SimpleNamespace(**simulated, CUDAGraph=Graph, graph=recording)
    for module in ("fit", "graph"):
        monkeypatch.setattr(f"neural.{module}.torch", SimpleNamespace(**(vars(torch) | {"cuda": cuda})))


def training(graph: bool, epochs: int = 6) -> tuple[tuple[float, ...], torch.Tensor, bytes]:
    """Return the history, the weights and the state of the noise after training with noise."""
    torch.manual_seed(0)
    order, noise = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    x = torch.randn(48, 3, generator=torch.Generator().manual_seed(3))
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))

    def loss(index):
        dither = torch.rand(len(index), 1, generator=noise)
        return (network(x[index]) + dither - x[index, :1]).square().mean()

    settings = {"epochs": epochs, "batch_size": 16, "learning_rate": 0.05, "betas": (0.9, 0.999)}
    history = fit(network, loss, 48, order=order, noise=[noise], graph=graph, **settings)
    weights = torch.cat([each.flatten() for each in network.parameters()])
    return history, weights, noise.get_state().numpy().tobytes()


@pytest.mark.usefixtures("device")
def test_training_by_replay_is_training():
    plain, recorded = training(graph=False), training(graph=True)
    assert recorded[0] == pytest.approx(plain[0], rel=1e-6)
    torch.testing.assert_close(recorded[1], plain[1])
    assert recorded[2] == plain[2]


def counted() -> tuple[Callable[..., torch.Tensor], list[int]]:
    calls = []

    def double(x):
        calls.append(len(x))
        return 2 * x

    return double, calls


@pytest.mark.usefixtures("device")
def test_replays_take_new_inputs_and_do_not_call_the_function():
    double, calls = counted()
    step = Recorded(double, [])
    for value in range(WARMING + 4):
        x = torch.full((2,), float(value))
        assert torch.equal(step(x), 2 * x)
    assert len(calls) == WARMING + 1


@pytest.mark.usefixtures("device")
def test_noise_that_is_not_registered_is_found():
    noise = torch.Generator().manual_seed(0)
    step = Recorded(lambda x: x + torch.rand(2, generator=noise), [])
    for _ in range(WARMING):
        step(torch.zeros(2))
    with pytest.raises(AssertionError, match="registered generators only"):
        step(torch.zeros(2))
