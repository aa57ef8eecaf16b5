"""`python -m bench_check` measures `productionpolicy check` beside kube-score, round by round, on the same files."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_check.copies import SUFFIXES, copied
from bench_check.generated import generate
from bench_check.kube_score import KUBE_SCORE, version
from bench_check.measurement import Measurement, RunFailed, run
from control_plane.binaries import BuildFailed
from control_plane.session import complain
from testbed.tables import Table, megabytes

FILES = 3340
STARTS = 10
"""How often a start is measured: it is short, and chance weighs more."""
MOST_RATIO = 2.0
MOST_START_SECONDS = 0.3
SMALL = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: small}
spec:
  selector: {matchLabels: {app: small}}
  template:
    metadata: {labels: {app: small}}
    spec: {containers: [{name: small, image: 'small:1'}]}
"""
OURS = Path(sys.executable).with_name("productionpolicy")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The files that both programs read."""

    title: str
    folder: Path
    files: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many bytes they are."""
        return sum((self.folder / each).stat().st_size for each in self.files)


@dataclass(frozen=True, slots=True)
class Bench:
    """The two programs, and how they are started."""

    theirs: Path
    environment: dict[str, str]

    def check(self, corpus: Corpus) -> Measurement:
        """Run ours over a folder."""
        return self.start("check", "-o", "json", str(corpus.folder))

    def score(self, corpus: Corpus) -> Measurement:
        """Run kube-score over the same files."""
        command: list[str | Path] = [self.theirs, "score", "--output-format", "json", *corpus.files]
        return run(command, folder=corpus.folder, environment=self.environment)

    def readable(self, file: Path) -> bool:
        """Say whether kube-score reads a file; it gives up all others with one that it does not."""
        try:
            self.score(Corpus("", file.parent, (file.name,)))
        except RunFailed:
            return False
        return True

    def start(self, *arguments: str) -> Measurement:
        """Run ours with some arguments."""
        return run([OURS, *arguments], folder=Path.cwd(), environment=self.environment)


def main() -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="productionpolicy-bench-check-") as folder:
            _measure(Path(folder), source=options.source, rounds=options.rounds)
    except (BuildFailed, RunFailed, FileNotFoundError) as failure:
        complain(f"error: {failure}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench_check",
        description=f"Measure how long `productionpolicy check` takes for {FILES} files, beside kube-score.",
    )
    parser.add_argument(
        "source", nargs="?", type=Path, metavar="DIR", help="copy the manifests in it, beside those that are generated"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each runs, by turns (default: 5)")
    return parser


def _measure(folder: Path, *, source: Path | None, rounds: int) -> None:
    bench = Bench(KUBE_SCORE.ensure(), environment=_environment(folder))
    title = f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"
    starts = f"start of productionpolicy ({title}; median of {STARTS})"
    Table((starts, ""), list(_starts(bench, folder)), numbers=False).show(notes=[""])
    for corpus in _corpora(bench, folder, source):
        complain(f"{corpus.title}: {rounds} rounds")
        compared = f"{corpus.title} (median of {rounds} rounds)"
        Table((compared, ""), list(_compared(bench, corpus, rounds=rounds)), numbers=False).show(notes=[""])


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps compiled modules, as an installed package has them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def _corpora(bench: Bench, folder: Path, source: Path | None) -> Iterator[Corpus]:
    complain(f"generating {FILES} files")
    generate(into=folder / "generated", files=FILES)
    yield _corpus("generated manifests", folder / "generated")
    if source is not None:
        complain(f"copying the manifests in {source}")
        left_out = copied(source, into=folder / "copies", files=FILES, readable=bench.readable)
        yield _corpus(f"copies of {source}; files that kube-score refuses, left out: {left_out}", folder / "copies")


def _corpus(title: str, folder: Path) -> Corpus:
    found = (each.relative_to(folder) for each in folder.rglob("*") if each.suffix in SUFFIXES)
    return Corpus(title, folder, tuple(sorted(map(str, found))))


Row = tuple[str, str]


def _starts(bench: Bench, folder: Path) -> Iterator[Row]:
    small = folder / "small.yaml"
    small.write_text(SMALL)
    bench.start("check", str(small))  # compiles the modules
    yield "--version", _both([bench.start("--version") for _ in range(STARTS)])
    for output in ("json", "text"):
        measurements = [bench.start("check", "-o", output, str(small)) for _ in range(STARTS)]
        yield f"check -o {output}, one small file", _aimed(_median(measurements), most=MOST_START_SECONDS, unit=" s")


def _compared(bench: Bench, corpus: Corpus, *, rounds: int) -> Iterator[Row]:
    measurements = [(bench.check(corpus), bench.score(corpus)) for _ in range(rounds)]
    ours, theirs = ([each[side] for each in measurements] for side in (0, 1))
    yield "files", f"{len(corpus.files)}, {corpus.size / 1e6:.1f} MB"
    yield "productionpolicy check", _both(ours)
    yield f"kube-score {version()}", _both(theirs)
    yield "ratio of the two", _aimed(_median(ours) / _median(theirs), most=MOST_RATIO)
    yield "peak memory: productionpolicy", _memory(ours)
    yield "peak memory: kube-score", _memory(theirs)


def _median(measurements: Sequence[Measurement]) -> float:
    return statistics.median(each.seconds for each in measurements)


def _both(measurements: Sequence[Measurement]) -> str:
    cpu_seconds = statistics.median(each.cpu_seconds for each in measurements)
    return f"{_median(measurements):.2f} s (CPU time {cpu_seconds:.2f} s)"


def _memory(measurements: Sequence[Measurement]) -> str:
    return megabytes(max(each.rss_peak_bytes for each in measurements))


def _aimed(value: float, *, most: float, unit: str = "") -> str:
    return f"{value:.2f}{unit} (aim: at most {most:g}{unit}, {'met' if value <= most else 'missed'})"


if __name__ == "__main__":
    sys.exit(main())
