"""Versioned tables: how long the earlier rows of a source_table or to_table are kept (KIP-889, KIP-914)."""

from __future__ import annotations

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.plan.nodes import StoreSpec
from penstock.planner.convert import millis
from penstock.planner.logical.flow import Flow
from penstock.planner.refuse import refuse
from penstock.planner.stores import history_store
from penstock.planner.validate import Placed
from penstock.types.schema import Role, Schema


def history(node: Placed, body: topology_pb2.SourceTable | topology_pb2.ToTable, spec: StoreSpec, schema: Schema, windowed: bool) -> StoreSpec | None:
    """The store of a table's earlier rows, None for one that is not versioned. Raises RequestError(INVALID_TOPOLOGY)."""
    if not body.HasField("history"):
        return None
    kept = millis(body.history)
    if kept < 1:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a history is kept 1 ms or more", node=node.name, field=node.path("history"))
    if windowed:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a table of windows is not versioned: its windows are its history", node=node.name,
                     field=node.path("history"))
    return history_store(spec, kept, tuple((c.name, str(c.type)) for c in schema if c.role is not Role.KEY))


def check_order(node: Placed, flow: Flow) -> None:
    """Refuse a versioned table where each change is taken for the newest."""
    if flow.history_ms:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.inputs[0]} is a versioned table, whose changes may be of an earlier time; suppress "
                     "takes each for the newest", node=node.name, field=f"topology.nodes[{node.index}].inputs[0]")
