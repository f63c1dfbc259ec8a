"""Fuzzing guided by coverage: ``python tests/fuzz.py TARGET FOLDER [-max_total_time=3600 ...]``.

The folder keeps every input that reached new code, and the next run goes on from there; what fails is written beside
it. Targets are ``reader``, the text of a problem file; ``tables``, the files that one names; ``documents``, what one
says; and ``constructors``. Options are those of libFuzzer.
"""

import resource
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

#: Bytes that a run may ask for beyond what it has at the start: small inputs need little.
_ROOM = 2 * 2**30


def main() -> None:
    """Run a target until it is told to stop or something fails."""
    import atheris

    with atheris.instrument_imports(include=["rdcfunc", "tomllib"]):
        import fuzzing

    name, folder, *options = sys.argv[1:]
    settings.register_profile("fuzz", deadline=None, database=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("fuzz")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for k, seed in enumerate(fuzzing.SEEDS[name]):
        (Path(folder) / f"seed-{k}").write_bytes(seed)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))
    names = {*fuzzing.WORDS, "[[targets]]", "inf", "1e308", "= [", "{from = 0, to = 1, count = 3}"}
    spoken = Path(f"{folder}-words")
    spoken.write_text("".join(f'"{name}"\n' for name in sorted(names)))
    fixed = [
        f"-artifact_prefix={folder}-failed-",
        f"-dict={spoken}",
        "-timeout=20",
        "-rss_limit_mb=0",
        "-len_control=0",
    ]
    atheris.Setup([sys.argv[0], folder, *fixed, *options], fuzzing.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
