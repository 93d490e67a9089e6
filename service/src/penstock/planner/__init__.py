"""Plans topologies: plan_topology makes a ResolvedPlan of a request; definition.py reads YAML."""

from penstock.planner.plan import plan_topology

__all__ = ["plan_topology"]
