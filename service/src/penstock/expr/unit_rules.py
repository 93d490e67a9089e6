"""Parser tables without the steps that change nothing.

A column in an expression is a primary, hence zoned, hence signed, a product, a sum, a value, ...: ten reductions for each operand, which hand the
same tree on. They are most of what the parser does, and what comes of them is known when the tables are made. So a state that leads from one such
rule to the next is merged with those behind it: for each token it does at once what stands at the end of the chain (Pager, "Eliminating unit
productions from LR parsers", 1977). The trees are the same; texts that are wrong are refused at the same token, or the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lark.grammar import Rule
from lark.parsers.lalr_analysis import Reduce, Shift

Actions = Mapping[str, tuple[Any, Any]]
"""Of a state: by token Shift with the next state or Reduce with the rule; by rule the next state, as a Shift."""


def without_unit_rules(states: Mapping[int, Actions], ends: frozenset[int]) -> dict[int, Actions]:
    """The states and merged ones. ends: the states in which a text is whole, which have to be reached by their rule."""
    return _Merger(states, ends).merged()


class _Merger:
    """made: (the state, those behind it in the chain) -> the number of the merged one."""

    def __init__(self, states: Mapping[int, Actions], ends: frozenset[int]) -> None:
        self.plain: dict[int, Actions] = dict(states)
        self.ends = ends
        self.made: dict[tuple[int, ...], int] = {}

    def merged(self) -> dict[int, Actions]:
        found: dict[int, Actions] = {}
        waiting = list(self.plain)
        while waiting:
            number = waiting.pop()
            known = len(self.made)
            found[number] = {name: (Shift, self._target(number, name, arg)) if _is_rule(name) else (action, arg)
                             for name, (action, arg) in self.plain[number].items()}
            waiting += list(self.made.values())[known:]
        return found

    def _target(self, below: int, rule: str, plain: int) -> int:
        """What follows in the state `below` behind a rule."""
        chain = self._chain(below, plain)
        if len(chain) == 1:
            return plain
        if chain not in self.made:
            number = self.made[chain] = max(self.plain) + 1
            self.plain[number] = self._merge(below, chain)
        return self.made[chain]

    def _chain(self, below: int, state: int) -> tuple[int, ...]:
        """The state, and each that some token leads to by unit rules alone; the state below says where each rule leads."""
        chain = [state]
        for one in chain:
            for action, arg in self.plain[one].values():
                if action is Reduce and _is_unit(arg):
                    target = self.plain[below][arg.origin.name][1]
                    if target not in chain and target not in self.ends:
                        chain.append(target)
        return tuple(chain)

    def _merge(self, below: int, chain: tuple[int, ...]) -> Actions:
        actions: dict[str, tuple[Any, Any]] = {}
        for one in chain:
            for name, action in self.plain[one].items():
                if _is_rule(name) and actions.setdefault(name, action) != action:
                    raise ValueError(f"two states of one chain go on differently behind {name}")
        for token in self.plain[chain[0]]:
            if not _is_rule(token) and (last := self._last(below, chain[0], token)) is not None:
                actions[token] = last
        return actions

    def _last(self, below: int, state: int, token: str) -> tuple[Any, Any] | None:
        """The first action for the token that is no unit rule; None where there is none at the chain's end."""
        while True:
            found = self.plain[state].get(token)
            if found is None or found[0] is not Reduce or not _is_unit(found[1]):
                return found
            target = self.plain[below][found[1].origin.name][1]
            if target in self.ends:
                return found
            state = target


def _is_rule(name: str) -> bool:
    """Terminals are upper case in lark, and $END."""
    return not name.isupper() and not name.startswith("$")


def _is_unit(rule: Rule) -> bool:
    """Whether reducing by it hands its only part on: `?rule: other`."""
    options = rule.options
    return len(rule.expansion) == 1 and not rule.expansion[0].is_term and rule.alias is None and bool(options.expand1) and not options.empty_indices
