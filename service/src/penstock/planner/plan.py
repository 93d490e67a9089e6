"""From a request to a plan, in visible stages: validate -> logical -> rewrite -> resolve."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.expr.ast import Ast
from penstock.plan.relations import Relations
from penstock.plan.resolved import ResolvedPlan
from penstock.planner.convert import to_settings
from penstock.planner.logical.build import build
from penstock.planner.logical.flow import Context
from penstock.planner.logical.sinks import sink_topics
from penstock.planner.names import Namespace
from penstock.planner.resolve import DEFAULT_PARTITIONS, resolve
from penstock.planner.rules import rewrite
from penstock.planner.validate import validate


def plan_topology(definition: topology_pb2.Topology, relations: Relations, *, service_id: str, incarnation: int,
                  default_partitions: int = DEFAULT_PARTITIONS, trees: Mapping[str, Ast] = MappingProxyType({})) -> ResolvedPlan:
    """The resolved plan of a topology. Nothing is created; plan.external and plan.internal say which topics must be.

    default_partitions: of topics that are created without a number and take none from an input.
    trees: of expressions, by text, where they stand somewhere else too, such as in a statement: errors name the places there.
    Raises RequestError with reason, node and field, ExpressionError (one of them) with the position in the expression too.
    """
    placed = validate(definition, trees)
    settings = to_settings(definition.settings)
    logical = rewrite(build(placed, Context(definition.name, relations, service_id, sink_topics(placed))))
    return resolve(logical, settings, Namespace(service_id, definition.name, incarnation), relations, default_partitions)
