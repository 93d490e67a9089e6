"""Third stage: rewrite rules, each a plain function Logical -> Logical in a file of its own, applied once in this order.

A rule keeps what is published and how it is named; it may remove nodes that nobody can see.
"""

from __future__ import annotations

from collections.abc import Callable

from penstock.planner.logical.flow import Logical
from penstock.planner.rules.cut_functions import cut_functions
from penstock.planner.rules.drop_select import drop_select
from penstock.planner.rules.keep_key import keep_key
from penstock.planner.rules.keep_null_keys import keep_null_keys
from penstock.planner.rules.keep_places import keep_places
from penstock.planner.rules.share_groups import share_groups
from penstock.planner.rules.share_sources import share_sources

Rule = Callable[[Logical], Logical]

RULES: tuple[Rule, ...] = (cut_functions, share_sources, drop_select, keep_key, share_groups, keep_null_keys, keep_places)


def rewrite(logical: Logical) -> Logical:
    """All rules."""
    for rule in RULES:
        logical = rule(logical)
    return logical
