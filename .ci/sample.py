"""Keep a random sample of a cosmic-ray session, in random order, and say what share of it was killed."""

import random
import sqlite3
import sys
from contextlib import closing

from scipy.stats import binomtest


def draw(session: sqlite3.Connection, count: int, seed: int) -> None:
    """Keep ``count`` mutants; they are tried in random order, so that a run that is stopped is a sample too."""
    # What a mutant is, and not the name that this session gave it, decides whether it is drawn.
    where = "module_path, start_pos_row, start_pos_col, operator_name, operator_args, occurrence"
    specs = session.execute(f"SELECT * FROM mutation_specs ORDER BY {where}").fetchall()
    kept = random.Random(seed).sample(specs, min(count, len(specs)))
    session.execute("DELETE FROM mutation_specs")
    session.execute("DELETE FROM work_items")
    marks = ", ".join("?" * len(specs[0]))
    session.executemany("INSERT INTO work_items VALUES (?)", [(spec[-1],) for spec in kept])
    session.executemany(f"INSERT INTO mutation_specs VALUES ({marks})", kept)
    session.commit()
    print(f"{len(kept)} of {len(specs)} mutants, seed {seed}")


def report(session: sqlite3.Connection) -> None:
    """Print the survivors and, for each module, how many were killed, with Wilson's interval of 95 %."""
    joined = "mutation_specs JOIN work_results USING (job_id)"
    where = "module_path, start_pos_row, operator_name"
    for path, row, operator, diff in session.execute(
        f"SELECT {where}, diff FROM {joined} WHERE test_outcome = 'SURVIVED' ORDER BY {where}"
    ):
        print(f"survived: {path}:{row} {operator}")
        print("\n".join(line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")))
    outcomes = session.execute(f"SELECT module_path, test_outcome != 'SURVIVED' FROM {joined}").fetchall()
    for module in (*sorted({path for path, _ in outcomes}), "all"):
        killed = [gone for path, gone in outcomes if module in (path, "all")]
        share = binomtest(sum(killed), len(killed)).proportion_ci(method="wilson")
        print(f"{module}: {sum(killed)} of {len(killed)} killed, {100 * share.low:.0f} to {100 * share.high:.0f} %")


if __name__ == "__main__":
    verb, path, *numbers = sys.argv[1:]
    with closing(sqlite3.connect(path)) as connection:
        {"draw": draw, "report": report}[verb](connection, *map(int, numbers))
