"""Check of the recogniser over the network: it keeps nothing that has no row here."""

from collections.abc import Iterator

from azure_face.shared import face_service
from jobs import remote
from privacy.findings import Check, Finding, Scope


def unknown_there(_: Scope) -> Iterator[Finding]:
    """Yield lists and faces at Azure, under names of this installation, without a row here."""
    service = face_service()
    if service is None:
        return
    found = remote.compare(service)
    yield from (Finding("provider", name) for name in found.unknown_lists)
    yield from (Finding("provider", f"{name}/{face}") for name, face in found.unknown_faces)


CHECKS = (Check("provider", "Azure keeps no list and no face of ours without a row here.", unknown_there),)
