"""The settings of traces: the standard variables of OpenTelemetry that this service reads or checks."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class TracingSettings(BaseSettings):
    """The part of `settings.Settings` that says whether traces are sent, and where to.

    The other variables of the standard (headers, certificate, timeout, size of the queue) are read by the SDK alone.
    """

    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_traces_endpoint: str = ""
    otel_exporter_otlp_protocol: Literal["http/protobuf", ""] = ""
    otel_traces_exporter: Literal["otlp", "none", ""] = ""
    otel_sdk_disabled: bool = False
    otel_service_name: str = "reperio"
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = "parentbased_always_on"
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1)

    @field_validator("otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint")
    @classmethod
    def _is_an_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("an address such as http://collector:4318")
        return value

    @property
    def sends_traces(self) -> bool:
        """Whether traces are recorded and sent: an endpoint is named, and nothing switches it off."""
        endpoint = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        return bool(endpoint) and not self.otel_sdk_disabled and self.otel_traces_exporter != "none"
