"""Asked for its rate, distortion and perception in any order, one problem's answers judge each other."""

import numpy as np
import pytest
from brackets import quietly
from cases import ROUNDING, Case, cases
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from measure import information

import rdcfunc as rdc

inf = np.inf


class Surface(RuleBasedStateMachine):
    """Ask one problem for its rate, distortion and perception in any order: each answer's channel judges all others."""

    @initialize(case=cases(least=2, shapes=("TV", "KL", "Wasserstein")))
    def begin(self, case: Case) -> None:
        self.case = case
        #: What channels achieve (R, D, P), and what was asked: an axis, the levels of the others, the lower end.
        self.achieved: list[dict[str, float]] = []
        self.asked: list[tuple[str, dict[str, float], float]] = []
        self.learn(case.witness)

    def learn(self, channel: np.ndarray) -> None:
        found = self.case.achieved(channel)
        self.achieved.append({"R": information(self.case.p, channel), "D": found.D, "P": found.P})

    @rule(place=st.integers(0, 50), axis=st.sampled_from("RDP"), share=st.floats(0.5, 1.5))
    def ask(self, place: int, axis: str, share: float) -> None:
        """Ask for one axis at levels near those of a channel known."""
        known = self.achieved[place % len(self.achieved)]
        levels = {name: known[name] * share + 1e-9 for name in "RDP" if name != axis}
        verb = {"R": rdc.rate, "D": rdc.distortion, "P": rdc.perception}[axis]
        try:
            answer = quietly(verb, self.case.problem, **levels, tol=1e-5)
        except rdc.InfeasibleError:
            self.asked.append((axis, levels, inf))
        else:
            self.asked.append((axis, levels, answer.lower))
            if answer.upper < inf:
                self.learn(answer.channel)
        for name, limits, lower in self.asked:
            for point in self.achieved:
                if all(point[other] <= limit * (1 - 1e-9) - 1e-12 for other, limit in limits.items()):
                    assert lower <= point[name] + ROUNDING, f"{name} at {limits}: {lower} > {point[name]}"


TestSurface = pytest.mark.filterwarnings("ignore::rdcfunc.WideBracketWarning")(Surface.TestCase)
TestSurface.settings = settings(max_examples=max(4, settings().max_examples // 4), stateful_step_count=8)
