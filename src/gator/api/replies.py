"""/personas/budget: what replies may still use."""

from fastapi import APIRouter

from gator.api.context import Asker, Context
from gator.api.models import Budget, BudgetLeft
from gator.protocol.times import rfc3339

router = APIRouter(prefix="/personas", tags=["personas"])


@router.get("/budget")
async def read_budget(asker: Asker, api: Context) -> Budget:
    """Read what is left of the asker's limits. Those of a persona or of all are nobody's business."""
    return Budget(
        limits=[
            BudgetLeft(
                scope=left.limit.scope,
                window=left.limit.window,
                measure=left.limit.measure,
                limit=left.limit.most,
                left=left.left,
                resets_at=rfc3339(left.resets_at),
            )
            for left in api.budget_left(asker.user_id)
        ]
    )
