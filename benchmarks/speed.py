"""Time against certified gap: ``python -m benchmarks.speed`` runs rdcfunc and its peers on the same problems.

Every solve has a process of its own, one at a time and on one thread, which a limit ends. CPU time is that of the
process, memory the growth of its peak. Gaps are recomputed outside the timing by ``rdc.certify`` from the channel and
the prices returned, the same way for everyone; only tagged and universal rates, which nothing else computes, keep the
bracket they come with. Timings of rdcfunc include its own certificate.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tqdm.auto import tqdm

import rdcfunc as rdc
from benchmarks import store
from benchmarks.peers import PEERS, Answer, Array, Peer, Task
from rdcfunc import classifications, distortions, perceptions, sources
from rdcfunc.plotting import COLORS

Row = dict[str, Any]

OURS = "rdcfunc"
#: Columns of the table: median, least and largest of the repeats in seconds, bits, and what is said about a row.
COLUMNS = (
    *("family", "n", "points", "tol", "peer", "status", "cpu", "cpu_min", "cpu_max", "wall", "wall_min", "wall_max"),
    *("memory_mb", "gap", "own_gap", "reached", "lower", "upper", "cpu_over_ours", "repeats", "limit", "note"),
)
#: Families and their sizes: quick, usual, and those added in full, which only the library is asked for.
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "rand": ((50, 200), (50, 200, 1000), ()),
    "hamming": ((50,), (50, 200, 1000), (10**6,)),
    "gauss": ((50, 200), (50, 200, 1000, 2000), (50_000,)),
    "tv": ((20, 50), (20, 50, 100, 200), (1000,)),
    "kl": ((20, 50), (20, 50, 100, 200), (1000,)),
    "w1": ((20,), (20, 50, 100, 200), ()),
    "w2": ((20,), (20, 50, 100, 200), ()),
    "curve": ((50,), (200,), ()),
    "tagged": ((20,), (20,), ()),
    "labels": ((20,), (20, 200, 1000), ()),
    "universal": ((10,), (10,), ()),
}
#: Accuracies in bits, of which the quick run and some families ask for the first.
_TOLS = (1e-6, 1e-9)
_ONE_TOL = ("curve", "tagged", "labels", "universal")
#: Titles of the figure's panels, and their families.
_PANELS: dict[str, tuple[str, ...]] = {
    "$R(D)$, random": ("rand",),
    "$R(D)$, Gaussian grid": ("gauss",),
    "$R(D, P)$: TV, KL": ("tv", "kl"),
    "$R(D, P)$: $W_1$, $W_2^2$": ("w1", "w2"),
}
#: Marks a solve that the limit ended.
_ARROW = r"$\uparrow$"
#: Families that nothing else computes.
_ALONE = ("tagged", "labels", "universal")
#: Perception levels, that of KL in nats.
_LEVELS = {"tv": 0.05, "kl": 0.02, "w1": 0.1, "w2": 0.02}
#: Seconds for what is not timed: building a problem, a certificate.
_PATIENCE = 300.0
#: The share of the machine's memory that a solve may have: it fails, and not the machine.
_SHARE = 0.8


@dataclass(frozen=True)
class Case:
    """One problem, or a curve of ``points``, and the accuracy asked for in bits."""

    family: str
    n: int
    tol: float = 1e-6
    points: int = 1

    def problem(self) -> rdc.Problem:
        """Return the source with its measures."""
        n, source, x = self.n, sources.Discrete(self._law()), self._grid()
        if self.family == "hamming":
            return rdc.Problem(source, distortions.hamming(n))
        if self.family == "rand":
            return rdc.Problem(source, distortions.matrix(_random(n)))
        told = None
        if self.family in ("tagged", "labels"):
            noisy = np.stack([1 / (1 + np.exp(-2 * x)), 1 / (1 + np.exp(2 * x))], axis=1)
            labels = noisy if self.family == "tagged" else np.arange(n) * self._classes // n
            told = classifications.ConditionalEntropy(labels, tagged=True)
        return rdc.Problem(source, distortions.squared_error(x), self._divergence(), told)

    def targets(self) -> list[rdc.Target]:
        """Return the levels: of each point of a curve, of each decoder, or the only ones."""
        if self.family in _LEVELS:
            return [rdc.Target(0.5, _LEVELS[self.family] / (math.log(2) if self.family == "kl" else 1.0))]
        largest = self._largest()
        if self.family == "curve":
            return [rdc.Target(D) for D in np.linspace(0.01, 0.99, self.points) * largest]
        if self.family == "universal":
            return [rdc.Target(D * largest, P) for D, P in ((0.3, 0.1), (0.4, 0.05), (0.5, 0.02))]
        C = {"tagged": 0.8, "labels": 0.3 * math.log2(self._classes)}.get(self.family, math.inf)
        return [rdc.Target(0.3 * largest, C=C)]

    def solve(self, problem: rdc.Problem) -> list[rdc.Solution]:
        """Solve it by the library, one solution a point."""
        targets = self.targets()
        if self.family == "universal":
            return [rdc.universal_rate(problem, targets, tol=self.tol)]
        if self.family == "curve":
            return list(rdc.trace(problem, D=[t.D for t in targets], tol=self.tol).solutions)
        return [rdc.rate(problem, t.D, t.P, t.C, tol=self.tol) for t in targets]

    def tasks(self, problem: rdc.Problem, slopes: Sequence[float], seconds: float) -> list[Task]:
        """Return what a peer is given, one task a point."""
        targets, cost = self.targets(), None
        if isinstance(problem.perception, perceptions.Wasserstein):
            cost = problem.perception.cost
        p, d, P = problem.source.pmf, problem.distortion.values, _LEVELS.get(self.family, math.inf)
        return [
            Task(p, d, t.D, self.tol, self.perception, P, cost, slope, seconds / len(targets))
            for t, slope in zip(targets, slopes, strict=True)
        ]

    @property
    def perception(self) -> str:
        """The perception as peers call it, or nothing."""
        return {"tv": "TV", "kl": "KL", "w1": "W", "w2": "W"}.get(self.family, "")

    @property
    def _classes(self) -> int:
        return 10 if self.n >= 100 else 4

    def _grid(self) -> Array:
        half = 5.0 if self.family in ("gauss", "curve") else 4.0
        return np.linspace(-half, half, self.n)

    def _law(self) -> Array:
        if self.family in ("rand", "hamming"):
            return np.random.default_rng(0).dirichlet(np.ones(self.n))
        density = np.exp(-(self._grid() ** 2) / 2)
        law: Array = density / density.sum()
        return law

    def _divergence(self) -> perceptions.Divergence | None:
        if self.family in ("tv", "universal"):
            return perceptions.TotalVariation()
        if self.family == "kl":
            return perceptions.KL()
        if self.family in _LEVELS:
            apart = np.abs(self._grid()[:, None] - self._grid())
            return perceptions.Wasserstein(apart if self.family == "w1" else apart**2)
        return None

    def _largest(self) -> float:
        """Return ``D_max``, the distortion of the best letter alone, from a table only where it takes one."""
        p, x = self._law(), self._grid()
        if self.family == "rand":
            return float((p @ _random(self.n)).min())
        if self.family == "hamming":
            return float(1 - p.max())
        return float(p @ (x - x[np.abs(x - p @ x).argmin()]) ** 2)


def plan(effort: str, families: Sequence[str] = ()) -> list[tuple[Case, bool]]:
    """Return the cases of an effort, small ones first, each with whether peers are asked too.

    >>> [case.n for case, _ in plan("usual", ["w1"]) if case.tol == 1e-6]
    [20, 50, 100, 200]
    """
    found = []
    for family, (quick, usual, extra) in SIZES.items():
        if families and family not in families:
            continue
        few = family in _ONE_TOL or effort == "quick"
        points = 50 if family == "curve" else 1
        sizes = quick if effort == "quick" else (*usual, *(extra if effort == "full" else ()))
        found += [
            (Case(family, n, tol, points), family not in _ALONE and n not in extra)
            for n in sizes
            for tol in (_TOLS[:1] if few else _TOLS)
        ]
    return found


def run(
    cases: Sequence[tuple[Case, bool]], peers: Sequence[Peer], rows: store.Rows, repeats: int, limit: float
) -> Iterator[Row]:
    """Measure what ``rows`` does not hold yet, and yield each row of the plan when it is there.

    A peer is not tried where it cannot be expected to arrive: beyond a size at which it took too long, or more
    accurately than it was asked for in vain.
    """
    made = made_by()
    done = {_key(row): row for row in rows.rows if row["provenance"] == made}
    for case, compared in cases:
        entrants = [peer for peer in peers if peer.takes(case.perception)] if compared else []
        for peer in (None, *entrants):
            label = OURS if peer is None else peer.label
            row: Row = {**asdict(case), "peer": label, "asked": {"repeats": repeats, "limit": limit}}
            if _key(row) not in done:
                ours = done.get(_key(row | {"peer": OURS}), {})
                hopeless = None if peer is None else _hopeless(case, peer, done.values(), ours)
                if hopeless is None:
                    found = measure(case, peer, repeats, limit, ours.get("slopes", ()))
                else:
                    found = _said("skipped", hopeless)
                row |= found | {"provenance": made}
                rows.append(row)
                done[_key(row)] = row
            yield done[_key(row)]


def measure(case: Case, peer: Peer | None, repeats: int, limit: float, slopes: Sequence[float] = ()) -> Row:
    """Solve a case in a process of its own that ends with the limit, by the library if there is no peer.

    ``slopes`` are the library's at each point, for a peer that needs them.
    """
    receive, send = _context().Pipe(duplex=False)
    process = _context().Process(target=_work, args=(send, case, peer, repeats, limit, slopes), daemon=True)
    process.start()
    send.close()
    found: Row = {"cpu": [], "wall": [], "memory": None, "gap": None, "lower": None, "upper": None}
    try:
        # The first message says that the problem is built, the last one what the certificate found.
        patience = _PATIENCE
        while receive.poll(patience):
            message: Row = receive.recv()
            found["cpu"] += message.pop("cpu", [])
            found["wall"] += message.pop("wall", [])
            found |= message
            if "status" in message:
                return found
            patience = _PATIENCE if found.pop("certifying", False) else limit
        if patience == limit and limit != _PATIENCE:
            return found | _said("limit", f"not done in {limit:g} s")
        return found | _said("failed", f"not prepared or certified in {_PATIENCE:g} s")
    except EOFError:
        process.join()
        code = process.exitcode or 0
        why = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return found | _said("failed", f"the process ended with {why}")
    finally:
        process.kill()
        process.join()
        receive.close()


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line a row, with medians and spreads, and CPU time as a multiple of the library's."""
    lines = []
    for row in rows:
        line = {name: row.get(name) for name in COLUMNS} | {"repeats": len(row.get("cpu", []))}
        line["limit"] = row["asked"]["limit"]
        for clock in ("cpu", "wall"):
            spent = np.array(row.get(clock) or [np.nan])
            line |= {clock: np.median(spent), f"{clock}_min": spent.min(), f"{clock}_max": spent.max()}
        memory, gap = row.get("memory"), row.get("gap")
        line["memory_mb"] = None if memory is None else memory / 2**20
        line["reached"] = gap is not None and gap <= row["tol"]
        lines.append(line)
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    # Times compare where both are as accurate as was asked for.
    case = ["family", "n", "points", "tol"]
    arrived = frame[frame["reached"]]
    ours = arrived[arrived["peer"] == OURS][[*case, "cpu"]].rename(columns={"cpu": "ours"})
    base = frame.merge(ours, on=case, how="left")["ours"]
    frame["cpu_over_ours"] = (frame["cpu"] / base).where(frame["reached"])
    return frame


def markdown(frame: pd.DataFrame, missing: Sequence[str], asked: str) -> str:
    """Return the table as a page."""
    made = made_by()
    header = ("problem", "n", "asked (bits)", "solver", "CPU s", "wall s", "memory MB", "gap (bits)", "CPU / ours", "")
    lines = [
        "# Time and certified gap",
        "",
        f"{asked} Medians with the range of the repeats. CPU time is that of a process on one thread; memory is the "
        "growth of its peak. The gap is recomputed for everyone from the channel and prices returned; a gap in "
        "brackets is wider than was asked for.",
        "",
        f"Not installed: {'; '.join(missing) or 'none'}. Made by "
        + ", ".join(f"{name} {value}" for name, value in made.items())
        + ".",
        "",
        f"| {' | '.join(header)} |",
        "|---|" + "---:|" * 2 + "---|" + "---:|" * 5 + "---|",
    ]
    for _, line in frame.iterrows():
        gap = "" if pd.isna(line["gap"]) else f"{line['gap']:.1e}"
        status = "" if line["status"] == "solved" else line["status"]
        cells = [
            f"{line['family']}, {line['points']} points" if line["points"] > 1 else line["family"],
            f"{line['n']}",
            f"{line['tol']:.0e}",
            line["peer"],
            _spread(line, "cpu"),
            _spread(line, "wall"),
            "" if pd.isna(line["memory_mb"]) else f"{line['memory_mb']:.1f}",
            gap if line["reached"] or not gap else f"({gap})",
            "" if pd.isna(line["cpu_over_ours"]) else f"{line['cpu_over_ours']:.3g}",
            ": ".join(text for text in (status, line["note"] or "") if text).replace("|", "\\|"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(frame: pd.DataFrame, tol: float = 1e-6) -> Figure | None:
    """Draw CPU time against n, a colour for each solver: hollow where the gap is wider than was asked for.

    There is no figure of families without a panel.
    """
    names = {"tv": "TV", "kl": "KL", "w1": "$W_1$", "w2": "$W_2^2$"}
    frame = frame[(frame["tol"] == tol) & frame["family"].isin([f for shown in _PANELS.values() for f in shown])]
    panels = {title: shown for title, shown in _PANELS.items() if frame["family"].isin(shown).any()}
    if not panels:
        return None
    solvers = sorted(frame["peer"].unique(), key=lambda name: (name != OURS, str(name)))
    colors = {name: COLORS[k % len(COLORS)] for k, name in enumerate(solvers)}
    figure = Figure(figsize=(11.5, 4.1), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (title, families) in zip(axes, panels.items(), strict=True):
        for k, name in reversed(list(enumerate(solvers))):
            for family, marker, style in zip(families, "os", ("-", "--"), strict=False):
                chosen = frame[(frame["peer"] == name) & (frame["family"] == family)]
                _line(ax, chosen, colors[name], marker, style, 3 if name == OURS else 2)
                # Arrows stand side by side where the limit ended several.
                late = chosen[chosen["status"] == "limit"]
                aside = 1.05 ** (k - len(solvers) / 2)
                ax.plot(late["n"] * aside, late["limit"], marker=_ARROW, lw=0, color=colors[name], ms=9)
        ax.set_title(title, fontsize=10.5)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("letters $n$")
        sizes = sorted(frame[frame["family"].isin(families)]["n"].unique())
        ax.set_xticks(sizes, [f"{n}" for n in sizes], fontsize=9)
        ax.minorticks_off()
        ax.margins(x=0.12)
        ax.grid(axis="y", color="0.92", lw=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        if len(families) > 1:
            keys = [
                Line2D([], [], color="0.4", marker=marker, ls=style, ms=5, lw=1.2, label=names[family])
                for family, marker, style in zip(families, "os", ("-", "--"), strict=True)
            ]
            ax.legend(handles=keys, frameon=False, fontsize=8.5, loc="lower right")
    axes[0].set_ylabel("CPU time (s)")
    handles = [
        Line2D([], [], color=colors[name], marker="o", ms=5.5, lw=2 if name == OURS else 1.3, label=name)
        for name in solvers
    ]
    exponent = round(math.log10(tol))
    wide, stopped = f"gap above $10^{{{exponent}}}$ bits", "stopped by the limit"
    handles.append(Line2D([], [], color="0.4", marker="o", mfc="white", ms=5.5, lw=0, label=wide))
    handles.append(Line2D([], [], color="0.4", marker=_ARROW, ms=8, lw=0, label=stopped))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


@cache
def made_by() -> dict[str, str]:
    """Return what makes a timing: the versions of everyone, the commit, the machine and its processor."""
    versions = {}
    for name in ("clarabel", "ecos", "scs", "mosek", "coptpy", "dit"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    processor = "unknown"
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    return store.provenance() | versions | {"processor": processor}


def main(arguments: list[str] | None = None) -> int:
    """Time rdcfunc and its peers on the same problems, and write a table and a figure of time against gap."""
    options = _parser().parse_args(arguments)
    effort = "quick" if options.quick else "full" if options.full else "usual"
    repeats = options.repeats or (3 if options.quick else 5)
    limit = options.limit or {"quick": 1.5, "usual": 60.0, "full": 600.0}[effort]
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        rows = store.Rows(options.out / "speed.jsonl")
        store.write(rows.path, lambda file: file.write(rows.path.read_bytes() if rows.rows else b""))
    except OSError as error:
        print(f"cannot write results to {options.out}: {error}", file=sys.stderr)
        return 2
    missing = [peer.label for peer in PEERS if peer.missing()]
    peers = [peer for peer in PEERS if peer.label not in missing]
    cases = plan(effort, options.only)
    print(f"not installed: {'; '.join(missing) or 'none'}; a solve may take {limit:g} s; results go to {options.out}/")
    total = sum(1 + sum(peer.takes(case.perception) for peer in peers) * compared for case, compared in cases)
    found: list[Row] = []
    asked = f"A solve may take {limit:g} s of wall-clock time and is repeated up to {repeats} times."
    try:
        with tqdm(total=total, desc="speed", unit="row") as bar:
            for row in run(cases, peers, rows, repeats, limit):
                found.append(row)
                bar.set_postfix_str(f"{row['family']} n={row['n']} {row['peer']}", refresh=False)
                bar.update()
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    finally:
        if found:
            write(options.out, table(found), missing, asked)
    return 0


def write(out: Path, frame: pd.DataFrame, missing: Sequence[str], asked: str) -> None:
    """Write the table as CSV and Markdown, and the figure."""
    store.write(out / "speed.csv", lambda file: frame.to_csv(file, index=False))
    store.write(out / "speed.md", lambda file: file.write(markdown(frame, missing, asked).encode()))
    names, figure, png = "speed.csv and .md", draw(frame), BytesIO()
    if figure is not None:
        figure.savefig(png, format="png", dpi=160)
        store.write(out / "speed.png", lambda file: file.write(png.getvalue()))
        names = "speed.csv, .md and .png"
    print(f"wrote {out}/{names}")


def _work(send: Connection, case: Case, peer: Peer | None, repeats: int, limit: float, slopes: Sequence[float]) -> None:
    """Build, solve and certify a case, saying over the pipe what is done; the parent watches the time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    memory = int(_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    warnings.simplefilter("ignore")
    try:
        problem = case.problem()
        solve: Callable[[], Sequence[rdc.Solution | Answer]]
        if peer is None:
            solve = lambda: case.solve(problem)  # noqa: E731
        else:
            # Iterations stop in time to hand over what they have.
            tasks = case.tasks(problem, slopes or [0.0] * case.points, 0.8 * limit)
            solve = lambda: [peer(task) for task in tasks]  # noqa: E731
        send.send({})
        begin, found, before = time.perf_counter(), None, _peak(reset=True)
        for repeat in range(repeats):
            wall, cpu = time.perf_counter(), _cpu()
            answers = solve()
            message: Row = {"cpu": [_cpu() - cpu], "wall": [time.perf_counter() - wall]}
            if repeat == 0:
                message["memory"] = max(0, _peak() - before)
            found = answers
            # Long solves are not repeated.
            last = repeat == repeats - 1 or time.perf_counter() - begin > limit / 2
            send.send(message | {"certifying": last})
            if last:
                break
        send.send(_judged(case, problem, found or []))
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        send.send(_said("failed", f"{type(error).__name__}: {first}"))


def _judged(case: Case, problem: rdc.Problem, answers: Sequence[rdc.Solution | Answer]) -> Row:
    """Return the widest bracket of the answers, certified from their channels and prices."""
    notes, slopes, widest = [], [], (-math.inf, 0.0, 0.0)
    for answer, target in zip(answers, case.targets(), strict=case.family != "universal"):
        if isinstance(answer, Answer):
            notes += [answer.note] if answer.note else []
            certified = rdc.certify(problem, answer.channel, answer.prices, D=target.D, P=target.P, tol=case.tol)
        else:
            certified = answer
            if isinstance(answer.prices, rdc.Prices) and problem.classification is None:
                slopes.append(answer.prices.distortion)
                try:
                    certified = rdc.certify(
                        problem, answer.channel, answer.prices, D=target.D, P=target.P, tol=case.tol
                    )
                except MemoryError:
                    notes.append("too large to certify again")
        widest = max(widest, (certified.gap, certified.lower, certified.upper))
    gap, lower, upper = widest
    if not math.isfinite(gap):
        return _said("failed", "no channel that meets the levels")
    own = max((answer.gap for answer in answers if isinstance(answer, rdc.Solution)), default=None)
    if own is not None and own <= case.tol < gap:
        notes.append(f"its own bracket: {own:.1e}")
    found = {"gap": gap, "own_gap": own, "lower": lower, "upper": upper, "slopes": slopes}
    return _said("solved", ", ".join(dict.fromkeys(notes))) | found


def _hopeless(case: Case, peer: Peer, done: Iterable[Row], ours: Row) -> str | None:
    """Return why a peer need not be tried: a slope that is lacking, or what it did on easier cases of the family."""
    if peer.needs_slope and not ours.get("slopes"):
        return f"{OURS} gave no slope"
    for row in done:
        if row["peer"] != peer.label or row["family"] != case.family or row["n"] > case.n or row["tol"] < case.tol:
            continue
        if row["status"] == "limit":
            return f"not done at n = {row['n']}, {row['tol']:.0e}"
        if row["n"] == case.n and row["tol"] > case.tol and not (row["gap"] or math.inf) <= row["tol"]:
            return f"{row['tol']:.0e} was not reached"
    return None


def _said(status: str, note: str) -> Row:
    return {"status": status, "note": note}


def _key(row: Row) -> str:
    return repr([row[name] for name in ("family", "n", "tol", "points", "peer", "asked")])


def _spread(line: Any, clock: str) -> str:
    if pd.isna(line[clock]):
        return ""
    return f"{line[clock]:.2g} ({line[clock + '_min']:.2g} to {line[clock + '_max']:.2g})"


def _line(ax: Axes, rows: pd.DataFrame, color: str, marker: str, style: str, order: int) -> None:
    """Draw one solver on one family, hollow where the gap is too wide."""
    timed = rows[rows["gap"].notna() & rows["cpu"].notna()]
    ax.plot(timed["n"], timed["cpu"], ls=style, color=color, lw=2 if order == 3 else 1.3, zorder=order)
    for fill, some in ((color, timed[timed["reached"]]), ("white", timed[~timed["reached"]])):
        ax.plot(some["n"], some["cpu"], marker, color=color, mfc=fill, mew=1.3, ms=5.5, zorder=order)


def _random(n: int) -> Array:
    d = np.random.default_rng(1).random((n, n))
    np.fill_diagonal(d, 0.0)
    return d


def _cpu() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak(reset: bool = False) -> int:
    """Return the peak of resident memory in bytes, since the reset where the system has one."""
    with suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@cache
def _context() -> ForkServerContext:
    """Return the maker of processes, whose server has imported everything that is not to be timed."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    context = get_context("forkserver")
    # Not this module itself: it is the main one, which every process runs again under another name.
    timed = ("rdcfunc", "benchmarks.peers", "cvxpy", "scipy.optimize", "dit.rate_distortion.blahut_arimoto")
    context.set_forkserver_preload([*timed, "benchmarks.store", "pandas", "matplotlib.figure", "tqdm.auto"])
    return context


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number > 0 (got {text})")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number >= 1 (got {text})")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=main.__doc__)
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="small problems, under two minutes")
    effort.add_argument("--full", action="store_true", help="also sizes that only rdcfunc is asked for")
    out = Path("results/speed")
    parser.add_argument("--out", type=Path, default=out, help=f"folder for the results (default: {out})")
    parser.add_argument("--only", nargs="+", choices=SIZES, default=[], metavar="FAMILY", help=", ".join(SIZES))
    parser.add_argument("--repeats", type=_count, help="repetitions of short solves (default: 5, quick 3)")
    parser.add_argument("--limit", type=_positive, help="seconds a solve may take (default: 60, quick 1.5, full 600)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
