"""/config: what a client needs to know before anybody has logged in."""

from fastapi import APIRouter, Request

from gator import __version__
from gator.api.context import Context, check_address
from gator.api.models import ConfigOut

router = APIRouter(tags=["config"])


@router.get("/config")
async def read_config(request: Request, api: Context) -> ConfigOut:
    """Read how one proves who one is here. Anybody may ask."""
    check_address(request, api)
    return ConfigOut(version=__version__, auth=api.mode, oidc=api.login)
