"""Measure both sides in one go, print a table, keep the numbers in bench/results.

Each program of `measure/` runs in fresh processes, ours and the peer's in turn, and prints its figures as one line
of JSON. It uses only what both packages call by the same names. Figures are CPU time of the measured process (clock
time where the label says so), so that a busy machine matters little; the table shows the best of the repetitions,
the file has them all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from figures import MEASUREMENTS, Measurement
from peer import PACKAGE, peer_python
from report import print_row, print_title, save

HERE = Path(__file__).parent


@dataclass(slots=True)
class Side:
    """One of the two packages: an interpreter that has it."""

    name: str
    python: Path
    samples: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def figures(self, measurement: str, key: str) -> list[float]:
        """What was measured for one figure so far."""
        return [float(str(sample[key])) for sample in self.samples.get(measurement, [])]


def main() -> None:
    arguments = _arguments()
    chosen = [one for one in MEASUREMENTS if not arguments.only or one.name in arguments.only]
    sides = [Side("ours", Path(sys.executable))]
    if not arguments.ours:
        sides.append(Side("peer", peer_python()))
    print_title(PACKAGE)
    with _server() as base_urls:
        for measurement in chosen:
            _measure(measurement, sides, base_urls, is_quick=arguments.quick)
            for figure in measurement.figures:
                best = [min(side.figures(measurement.name, figure.key), default=None) for side in sides]
                print_row(figure, *best)
            _print_remarks(measurement, sides)
    if not arguments.quick and not arguments.ours:
        print(f"\nkept as {save(sides, chosen)}")


def _arguments() -> argparse.Namespace:
    names = [one.name for one in MEASUREMENTS]
    parser = argparse.ArgumentParser(
        description="Measure, beside openai-agents in an environment of its own."
    )
    parser.add_argument("--quick", action="store_true", help="once each, smaller, and nothing is kept")
    parser.add_argument("--ours", action="store_true", help="leave the peer out, and keep nothing")
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help=", ".join(names))
    return parser.parse_args()


def _measure(measurement: Measurement, sides: list[Side], base_urls: str, *, is_quick: bool) -> None:
    repetitions = 1 if is_quick else measurement.repetitions
    if measurement.program == "import_time.py":
        # The first import writes byte code.
        for side in sides:
            _run(side, measurement, base_urls, is_quick=is_quick)
        repetitions = max(repetitions, 3)
    for _ in range(repetitions):
        for side in sides:
            sample = _run(side, measurement, base_urls, is_quick=is_quick)
            side.samples.setdefault(measurement.name, []).append(sample)


def _run(side: Side, measurement: Measurement, base_urls: str, *, is_quick: bool) -> dict[str, object]:
    arguments = measurement.arguments
    if is_quick and measurement.quick_arguments is not None:
        arguments = measurement.quick_arguments
    command = [str(side.python), str(HERE / "measure" / measurement.program), *arguments]
    done = subprocess.run(
        command, env=_environment(base_urls), stdout=subprocess.PIPE, text=True, check=False, timeout=900
    )
    if done.returncode:
        raise SystemExit(
            f"{measurement.program} failed for {side.name} (status {done.returncode}), see above"
        )
    return json.loads(done.stdout.splitlines()[-1])


def _environment(base_urls: str) -> dict[str, str]:
    """The caller's environment, less what would send a program elsewhere than to the bench's server."""
    base_url, chat_url = base_urls.split()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTHON"))}
    return {
        **kept,
        "OPENAI_API_KEY": "unused",
        "OPENAI_BASE_URL": base_url,
        "BENCH_CHAT_URL": chat_url,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "BENCH_STARTED_AT": str(time.time()),
    }


def _print_remarks(measurement: Measurement, sides: list[Side]) -> None:
    """What a figure cannot say: modules that should not be loaded, text that was lost."""
    for side in sides:
        last = side.samples[measurement.name][-1]
        if "heavy" in last:
            print(f"  {side.name} loads of the heavy ones: {', '.join(last['heavy']) or 'none'}")
        if last.get("text_is_whole") is False:
            print(f"  {side.name} lost text for its late reader")
        spread = side.figures(measurement.name, measurement.figures[0].key)
        if len(spread) > 2 and statistics.median(spread) > 1.3 * min(spread):
            print(f"  {side.name} varies: {min(spread):.4g} to {max(spread):.4g}; is the machine busy?")


@contextmanager
def _server() -> Iterator[str]:
    """The base URLs of a server in a process of its own, as it prints them."""
    command = [sys.executable, str(HERE / "server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        base_urls = process.stdout.readline().strip()
        if not base_urls:
            raise SystemExit("the bench's server did not start, see above")
        try:
            yield base_urls
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    main()
