"""What a plan says for good when it is registered or reset: where its sources begin, and the schemas that its topics are written with."""

from __future__ import annotations

from penstock.plan.resolved import ResolvedPlan
from penstock.serving.gateway import Gateway
from penstock.serving.starts import pin


async def settle(gateway: Gateway, plan: ResolvedPlan) -> ResolvedPlan:
    """The plan as it is stored. Raises what serving/starts.py and catalog/schemas.py raise."""
    return await gateway.schemas.pinned(await pin(gateway, plan))
