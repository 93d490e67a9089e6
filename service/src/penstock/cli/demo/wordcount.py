"""Word count, the field's hello world, with the whole node killed in the middle."""

from __future__ import annotations

import re
import time
from collections import Counter

from penstock.cli.demo.recount import Recount
from penstock.cli.demo.stage import Stage

LINES = [
    "to be or not to be that is the question",
    "whether tis nobler in the mind to suffer",
    "the slings and arrows of outrageous fortune",
    "or to take arms against a sea of troubles",
    "and by opposing end them to die to sleep",
]
ROUNDS = 200


def play(stage: Stage) -> bool:
    """Whether the counts agree."""
    stage.apply("wordcount.yaml")
    counts = stage.follow("word_counts")
    expected: Counter[str] = Counter()
    tokens: list[str] = []  # each names its own append
    for n in range(ROUNDS):
        rows = [{"line": line} for line in LINES]
        tokens.append(stage.client.append("lines", rows, producer_id="demo", sequence=n + 1).position)
        for line in LINES:
            expected.update(w for w in re.split("[^a-z]+", line.lower()) if w)
        if n == ROUNDS // 2:
            stage.wait("the first counts", lambda: bool(counts.rows), 20)
            stage.say("[bold red]kill -9[/] of the whole node: gateway, workers, supervisor")
            stage.kill_node()
            stage.start()
        time.sleep(0.005)
    row = stage.client.get("word_counts", "to", at_least=tokens, max_wait=25)
    stage.say(f"'to' was counted {row.total if row else None} times (expected {expected['to']})")
    stage.show("word_counts, pushed", counts.rows[-5:], 5)
    recount = Recount(stage)
    recount.count(expected, Counter({r.word: r.total for r in stage.client.scan("word_counts", at_least=tokens)}))
    return recount.close(f"{ROUNDS * len(LINES):,} lines, {len(expected)} words")
