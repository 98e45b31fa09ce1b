"""For operators: is it alive, can it work, how much does it hold."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST

import errors
from api.callers import CurrentAdmin, monitor, scraper
from api.dependencies import inference_of
from api.documentation import SIGNED_IN, error_responses
from api.operations.schemas import Alive, Provider, Ready, SampleOut, Statistics
from faces.providers import engine_id_of
from jobs.worker import InferenceThread
from operations import samples, service
from operations.samples import Point
from settings import get_settings

router = APIRouter(tags=["operations"])
Inference = Annotated[InferenceThread, Depends(inference_of)]


@router.get("/livez", summary="Does the process answer?")
async def livez() -> Alive:
    """Touches nothing."""
    return Alive()


@router.get(
    "/readyz",
    summary="Can the service work?",
    responses={503: {"model": Ready, "description": "A part is not usable; the answer says which."}},
)
def readyz(response: Response, inference: Inference) -> Ready:
    """Database, storage and face engine are usable."""
    found = service.readiness(inference.problem)
    if not found.ready:
        response.status_code = 503
    return Ready(
        status="ready" if found.ready else "not ready",
        database=found.database,
        storage=found.storage,
        face_engine=found.face_engine,
    )


@router.get(
    "/metrics",
    summary="What is measured, for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "All processes together."},
        **error_responses(errors.NotAuthenticated, errors.NotAllowed),
    },
    dependencies=[Depends(scraper)],
)
def metrics() -> Response:
    """For the monitoring token, and for this machine itself."""
    return Response(service.metrics(), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/api/stats",
    summary="How much there is",
    response_model=Statistics,
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
    dependencies=[Depends(monitor)],
)
def stats() -> dict[str, Any]:
    """For admins and the monitoring token. Counts are at most a few seconds old."""
    return service.statistics()


@router.get(
    "/api/admin/samples",
    summary="How the service stood, minute by minute",
    response_model=list[SampleOut],
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
    tags=["admin"],
)
def show_samples(_: CurrentAdmin, hours: Annotated[int, Query(ge=1, le=720)] = 24) -> list[Point]:
    """Oldest first, kept for 30 days. At most some 500 points: each has the highest of its minutes' levels."""
    return samples.points(hours)


@router.get(
    "/api/admin/provider",
    summary="Which face engine is at work",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
    tags=["admin"],
)
def provider(_: CurrentAdmin, inference: Inference) -> Provider:
    """The engine's id is stored with every embedding; those of different engines are never compared."""
    settings = get_settings()
    return Provider(
        provider=settings.face_recognizer_provider,
        engine_id=engine_id_of(settings.face_recognizer_provider),
        match_threshold=settings.match_threshold,
        ready=inference.problem is None,
    )
