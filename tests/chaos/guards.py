"""The checker finds each class of fault when what guards against it is switched off: a short calm run for each guard, and what it must say.

    python tests/chaos/guards.py [NAME...]

    class of fault                                 guard that is switched off         shown by
    a store that misses commits is trusted         recovery of tasks                  recovery, here
    a batch is appended twice                      numbers of producers               appends, here
    offsets are not in the transaction             one transaction for both           offsets, here
    a subscription resumed with a gap or a repeat  positions of subscriptions         resumptions, here; test_probes.py, test_pushes
    a lookup ignores its token                     waiting for positions              tokens, here
    state of a deleted topology comes back         incarnations, removal              incarnations, here
    a zombie writes on                             fencing of transactional ids       test_checker.py, on Kafka
    a hop reads what was aborted                   read_committed                     test_checker.py, on Kafka
    a copy is not equal to the changelog           applying all records               test_checker.py, on a store
    a transaction is left open                     ending or fencing it               test_probes.py, on Kafka
    the status shows tasks of a dead node          signs of life                      test_probes.py, on what a node said
    an output or a store is wrong                                                     test_chaos.py, by wrong records

Without arguments all of `here` are run, each half a minute or a little more, on one node and the embedded log. The exit code is 1 when one of
them finds nothing, or something else.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from changes import Changes
    from fleet import Fleet


@dataclass(frozen=True, slots=True)
class Guard:
    """finds: what the run must say, a regular expression. fault: makes processes die where the guard is needed (runtime/faults.py). strike:
    what is done in the middle of the run."""

    finds: str
    fault: str = ""
    strike: Callable[[Fleet, Changes], object] | None = None


GUARDS: Mapping[str, Guard] = {
    "recovery": Guard("lost: (groups|minutes|running|echoed|topic)", fault="after_commit:kill:0.02"),
    "appends": Guard("doubled: (groups|topic echo)"),
    "offsets": Guard("doubled: (groups|topic echo)", fault="between_offsets:kill:0.02"),
    "resumptions": Guard("(doubled|lost): push of echo", strike=lambda fleet, _: fleet[0].kill_one("gateway", random.Random())),
    "tokens": Guard("lost: lookup of key.* with the token"),
    "incarnations": Guard("lost: topic returned", strike=lambda _, changes: changes.anew()),
}


def shown(name: str, seconds: int = 8) -> str:
    """Run without this guard; empty when the run found what it must find, else what it said."""
    guard = GUARDS[name]
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("run.py")), "--unguarded", name, "--seconds", str(seconds)],
                          capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    found = re.search(f"^{guard.finds}", said, re.MULTILINE)
    return "" if found and done.returncode == 1 else f"no {guard.finds!r}, exit code {done.returncode}:\n{said}"


def main(names: Sequence[str]) -> int:
    bad = 0
    for name in names or GUARDS:
        why = shown(name)
        bad += bool(why)
        print(f"without {name}: {why or 'found'}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
