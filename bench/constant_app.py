"""The service with one more call, of the same shape as `check-event-code`, that always gives the same answer."""

from fastapi import APIRouter

from api.accounts.schemas import EventCodeIn
from api.events.schemas import CodeValidity
from main import create_app

PATH, ASYNC_PATH = "/check-constant", "/check-constant-async"
# Registered right before the router of `check-event-code`, so that route matching costs both the same.
PLACE = 1
router = APIRouter(tags=["bench"])


@router.post(PATH)
def constant(asked: EventCodeIn) -> CodeValidity:
    """As `check-event-code` runs: in a request thread."""
    return CodeValidity(valid=True)


@router.post(ASYNC_PATH)
async def constant_async(asked: EventCodeIn) -> CodeValidity:
    """On the event loop, where nothing may wait for a database."""
    return CodeValidity(valid=True)


app = create_app()
_first = next(place for place, each in enumerate(app.router.routes) if type(each).__name__ == "_IncludedRouter")
app.include_router(router)
app.router.routes.insert(_first + PLACE, app.router.routes.pop())
