"""/admin: for those who run the server."""

from fastapi import APIRouter, Response

from gator.api.context import Asker, Context
from gator.api.status_models import StatusOut
from gator.protocol.errors import Refusal

ADMIN = "admin"
"""The role, over the whole installation, that a token names."""

router = APIRouter(tags=["admin"])


@router.get("/admin/status")
async def read_status(asker: Asker, api: Context, response: Response) -> StatusOut:
    """Read how the server is. For the role `admin`; in open mode, on this machine, for everybody."""
    if not api.everybody_is_admin and ADMIN not in asker.roles:
        raise Refusal("forbidden", f"Only the role {ADMIN!r} may see how the server is.")
    response.headers["Cache-Control"] = "no-store"
    return api.status.read()
