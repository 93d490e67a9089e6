"""make oracle: random topologies in Penstock and in Kafka Streams, for a time. Exit code 1 on a difference that is not listed in known.py.

    python tests/oracle/explore.py --seed 1 --seconds 60 [--focus "table aggregate"]
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from compare import differences, driver, request
from generate import Generated, generate
from judge import Judge, Verdict, available
from known import listed
from operators import OPERATORS
from penstock.errors import RequestError
from shrink import Case, shrink, text

SHOWN = 5
"""Differences that are shrunk and printed."""


@dataclass
class Tally:
    """Runs by operator: in which it stood before a sink that got records; agreed; differed; differed as listed."""

    runs: int = 0
    emitted: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    differed: Counter[str] = field(default_factory=Counter)
    listed: Counter[str] = field(default_factory=Counter)
    cases: list[str] = field(default_factory=list)

    def table(self) -> str:
        """For people."""
        lines = [f"{'operator':24}{'emitted':>9}{'agreed':>9}{'differed':>9}"]
        lines += [f"{o:24}{self.emitted[o]:9}{self.agreed[o]:9}{self.differed[o]:9}" for o in sorted(self.emitted)]
        lines += [f"listed: {ticket} {count} runs" for ticket, count in sorted(self.listed.items())]
        return "\n".join(lines)

    def add(self, other: Tally) -> None:
        """Those of another process."""
        self.runs += other.runs
        for mine, theirs in ((self.emitted, other.emitted), (self.agreed, other.agreed), (self.differed, other.differed), (self.listed, other.listed)):
            mine.update(theirs)
        self.cases += other.cases


def built() -> tuple[list[str], dict[str, str]]:
    """Operators that Penstock plans and compiles, and why not the others."""
    yes, no = [], {}
    for operator in OPERATORS:
        try:
            driver(generate("probe", operator, list(OPERATORS), plain=True).case)
        except RequestError as error:
            if error.reason in ("UNSUPPORTED", "INVALID_ARGUMENT"):
                no[operator] = f"{error.reason}: {error.message}"
                continue
        except Exception as error:
            print(f"{operator} fails: {type(error).__name__}: {error}")  # its runs show where
        yes.append(operator)
    return yes, no


def emitting(generated: Generated, sinks: set[str]) -> set[str]:
    """Operators before a sink that got records."""
    nodes = generated.case["topology"]["nodes"]
    found: set[str] = set()

    def walk(name: str) -> None:
        found.add(generated.operators.get(name, "sink"))
        node = nodes[name.partition(".")[0]]
        given = node.get("from", [])
        for i in given if isinstance(given, list) else [given]:
            walk(i)

    routed = [name for name, node in nodes.items() if isinstance(node.get("sink"), dict) and "relation" not in node["sink"]]
    for sink in sinks:
        for name in (sink,) if sink in nodes else routed:
            walk(name)
    return found & OPERATORS.keys()


@dataclass(frozen=True, slots=True)
class Started:
    """A run of which Kafka Streams has been asked already."""

    seed: str
    focus: str
    generated: Generated
    asked: Future[Verdict]


def one(run: Started, judge: Judge, tally: Tally) -> None:
    """Run ours, count, shrink."""
    generated, verdict = run.generated, run.asked.result()
    texts = differences(generated.case, generated.unordered, verdict)
    found = emitting(generated, set(verdict.outputs))
    tally.runs += 1
    tally.emitted.update(found)
    if not texts:
        tally.agreed.update(found)
        return
    if ticket := listed(generated.case, texts):
        tally.listed[ticket] += 1
        return
    tally.differed.update(found | {run.focus})
    if len(tally.cases) < SHOWN:
        small = shrink(generated.case, lambda c: _differs(c, generated, judge))
        verdict = judge.ask(request(small))
        texts = differences(small, generated.unordered, verdict)
        tally.cases.append(f"# seed {run.seed}: " + "; ".join(texts) + "\n" + text(small, f"as Kafka Streams, seed {run.seed}", verdict))
        print(tally.cases[-1], flush=True)


def _differs(case: Case, generated: Generated, judge: Judge) -> bool:
    try:
        return bool(differences(case, generated.unordered, judge.ask(request(case))))
    except Exception:  # a case that cannot run (a node was left out that others need) is no smaller case
        return False


def started(seed: str, operators: list[str], tally: Tally, judge: Judge, pool: Executor) -> Iterator[Started]:
    """Runs without end, each around the operator that has emitted least, with others of the rarer half."""
    number = 0
    while True:
        rare = sorted(operators, key=lambda o: tally.emitted[o])
        name, focus = f"{seed}.{number}", rare[number % min(2, len(rare))]
        generated = generate(name, focus, rare[:max(1, len(rare) // 2)])
        yield Started(name, focus, generated, pool.submit(judge.ask, request(generated.case)))
        number += 1


def explore(seed: str, seconds: float, focus: str = "", judge: Judge | None = None, runs: int = 0) -> Tally:
    """Run for some seconds, or `runs` runs if that is not 0. Kafka Streams is asked one run ahead."""
    operators, missing = built()
    for operator, why in missing.items():
        print(f"not built: {operator}: {why}")
    tally = Tally()
    asked = judge or Judge()
    deadline = time.monotonic() + seconds
    try:
        with ThreadPoolExecutor(1) as pool:
            for run, _ in pairwise(started(seed, [focus] if focus else operators, tally, asked, pool)):
                if time.monotonic() > deadline or (runs and tally.runs >= runs):
                    break
                try:
                    one(run, asked, tally)
                except Exception:
                    tally.differed.update([run.focus])
                    if len(tally.cases) < SHOWN:
                        tally.cases.append(f"# seed {run.seed}, {run.focus}: {traceback.format_exc()}\n{text(run.generated.case, run.seed, _nothing())}")
                        print(tally.cases[-1], flush=True)
    finally:
        if judge is None:
            asked.close()
    return tally


def _nothing() -> Verdict:
    return Verdict({}, {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--focus", choices=list(OPERATORS), default="")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with seeds of its own and a Kafka Streams of its own")
    options = parser.parse_args()
    if reason := available():
        print(f"the oracle cannot run: {reason}", file=sys.stderr)
        return 2
    tally = Tally()
    seeds = [str(options.seed)] if options.jobs == 1 else [f"{options.seed}/{job}" for job in range(options.jobs)]
    with ProcessPoolExecutor(len(seeds)) as pool:
        for found in pool.map(explore, seeds, repeat(options.seconds), repeat(options.focus)):
            tally.add(found)
    print(tally.table())
    differed = tally.runs and sum(tally.differed.values())
    print(f"{tally.runs} runs, seed {options.seed}: {'DIFFERENCES' if differed else 'no difference'}")
    return 1 if differed else 0


if __name__ == "__main__":
    sys.exit(main())
