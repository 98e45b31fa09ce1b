"""Calls of operators: liveness, readiness, metrics, statistics."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST

import errors
from api.accounts.schemas import Message
from api.callers import CurrentAdmin, monitor, scraper
from api.dependencies import Inference
from api.documentation import SIGNED_IN, error_responses
from api.language import Language
from api.messages import Success
from api.operations.schemas import (
    Alive,
    EventChangeOut,
    EventReprocessingOut,
    Provider,
    Ready,
    RemoteErasures,
    SampleOut,
    Statistics,
)
from faces.providers import calibration_of, engine_id_of
from matching.changing.service import changes_to
from operations import samples, service
from operations.samples import Point
from photos.reprocessing import service as reprocessing
from settings import get_settings

# What every machine answers, a worker nothing else.
probes = APIRouter(tags=["operations"])
router = APIRouter(tags=["operations"])


@probes.get("/livez", summary="Liveness")
async def livez() -> Alive:
    """The process answers. Uses neither database nor storage."""
    return Alive()


@probes.get(
    "/readyz",
    summary="Readiness",
    response_model_exclude_none=True,
    responses={503: {"model": Ready, "description": "At least one part is not usable; the answer says which."}},
)
def readyz(response: Response, inference: Inference) -> Ready:
    """Whether database, storage and face engine are usable. The storage is tried at most once in 10 s.

    With `ROLE=web` the face engine is that of the worker machines: a problem there is told, and people are served.
    """
    role = get_settings().role
    found = service.readiness(inference.problem, engine_waits=inference.waits)
    if not found.ready:
        response.status_code = 503
    return Ready(
        status="ready" if found.ready else "not ready",
        database=found.database,
        storage=found.storage,
        face_engine=found.face_engine,
        sweep=found.sweep,
        links=found.links,
        role=None if role == "all" else role,
    )


@router.get("/api", summary="Root of the API")
async def api_root(language: Language) -> Message:
    """Tells where the calls are described."""
    return Message(message=Success.WELCOME.text(language))


@probes.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "Metrics of all processes of this machine together."},
        **error_responses(errors.NotAuthenticated, errors.NotAllowed),
    },
    dependencies=[Depends(scraper)],
)
def metrics() -> Response:
    """With the monitoring token, or from this machine itself."""
    return Response(service.metrics(), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/api/stats",
    summary="Statistics",
    response_model=Statistics,
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
    dependencies=[Depends(monitor)],
)
def stats() -> dict[str, Any]:
    """For admins, and with the monitoring token. Counts may be a few seconds old."""
    return service.statistics()


@router.get(
    "/api/admin/samples",
    summary="History of the service's state",
    response_model=list[SampleOut],
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
    tags=["admin"],
)
def show_samples(_: CurrentAdmin, hours: Annotated[int, Query(ge=1, le=720)] = 24) -> list[Point]:
    """Oldest first. Samples are taken every minute and kept for 30 days.

    At most about 500 points: a point for several minutes has the highest of their levels.
    """
    return samples.points(hours)


@router.get(
    "/api/admin/provider",
    summary="Face engine in use",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
    tags=["admin"],
)
def provider(_: CurrentAdmin, inference: Inference) -> Provider:
    """The engine's id is stored with every embedding. Embeddings of different engines are never compared."""
    settings = get_settings()
    engine_id = engine_id_of(settings.face_recognizer_provider)
    return Provider(
        provider=settings.face_recognizer_provider,
        engine_id=engine_id,
        match_threshold=settings.match_threshold or calibration_of(engine_id).lowest,
        ready=inference.problem is None,
        changes=[EventChangeOut.model_validate(each) for each in changes_to(engine_id)],
        reprocessing=[EventReprocessingOut.model_validate(each) for each in reprocessing.under_way()],
        problem=inference.problem,
        remote_erasures=RemoteErasures(**service.remote_erasures()),
    )
