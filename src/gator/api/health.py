"""/healthz, /readyz, /metrics: for those who watch the server."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from gator.api.context import Context
from gator.api.models import Health
from gator.protocol.errors import Refusal

router = APIRouter(tags=["watching"])


@router.get("/healthz")
async def healthz() -> Health:
    """Answer: the process lives. Restart it if this fails."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health}})
async def readyz(api: Context, response: Response) -> Health:
    """Answer 200 if new clients are welcome: the database answers and nothing drains."""
    if not api.is_ready():
        response.status_code = 503
        return Health(status="draining")
    if not (await api.services.store.ready() and await api.services.journal.ready()):
        response.status_code = 503
        return Health(status="unavailable")
    return Health(status="ok")


@router.get("/metrics", response_class=Response)
async def metrics(api: Context) -> Response:
    """Write all metrics in Prometheus' text format."""
    if not api.serve_metrics:
        raise Refusal("not_found")
    return Response(api.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
