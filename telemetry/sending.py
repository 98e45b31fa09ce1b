"""Starts and ends the sending of traces in a process, where the settings ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settings import Settings, version

if TYPE_CHECKING:
    from telemetry.export import Sending

_sending: Sending | None = None


def load(settings: Settings) -> None:
    """Import what sends traces, before the fork: processes then share that memory. Starts no thread."""
    if settings.sends_traces:
        import telemetry.export  # noqa: F401 - only where traces are sent


def start(settings: Settings) -> None:
    """Send the traces of this process from now on, if an endpoint is set. Call it after the fork."""
    global _sending
    if settings.sends_traces and _sending is None:
        from telemetry.export import Sending

        _sending = Sending(settings.otel_service_name, version())


def stop() -> None:
    """Send what is recorded, within two seconds, and record nothing more."""
    global _sending
    if _sending is not None:
        _sending.stop()
        _sending = None
