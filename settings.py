"""The settings, read from the environment once a process."""

import os
import secrets
import socket
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
SECRET_KEY_FILE = ".secret_key"  # noqa: S105 - a file name
MIN_SECRET_LENGTH = 32


@lru_cache
def version() -> str:
    """Return the version of this release: the one in `pyproject.toml`, which comes with the code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


class UnsafeSettings(Exception):
    """The service does not start with these settings. The message says what to change."""


class Settings(BaseSettings):
    """Each field is an environment variable of the same name in capitals; the name ends in its unit."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    app_env: Literal["development", "production"] = "development"
    secret_key: str = ""
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = ""
    monitoring_token: str = ""
    admin_username: str = "admin"
    admin_password: str = ""

    database_url: str = "sqlite:///./face_recognition.db"
    db_pool_size: int = Field(10, ge=1)
    db_max_overflow: int = Field(10, ge=0)
    db_pool_recycle: int = Field(1800, ge=-1)
    db_pool_timeout: float = Field(10.0, gt=0)
    storage_url: str = "file://./var/storage"
    gunicorn_workers: int = Field(default_factory=lambda: max(1, min(os.cpu_count() or 1, 8)), ge=1, le=64)
    gunicorn_max_requests: int = Field(0, ge=0)

    face_recognizer_provider: Literal["local", "fake", "dlib", "azure"] = "local"
    selfie_validation_strict: bool = True
    match_threshold: float = Field(0.40, gt=0, lt=1)
    detection_long_side: int = Field(1280, ge=320, le=4096)

    token_hours: float = Field(24, gt=0)
    event_lifetime_days: int = Field(30, ge=1)
    log_format: Literal["text", "json", ""] = ""
    access_log: bool = True
    max_selfie_bytes: int = 10 * 1024 * 1024
    max_selfie_pixels: int = 64_000_000
    max_photo_bytes: int = 50 * 1024 * 1024
    max_photo_pixels: int = 120_000_000
    max_upload_bytes: int = 1024**3
    max_json_bytes: int = 1024 * 1024

    # Limits of one process against senders and readers that are slow on purpose: api/connections.py.
    head_seconds: float = Field(10, gt=0)
    body_seconds: float = Field(60, gt=0)
    body_max_seconds: float = Field(3600, gt=0)
    body_window_seconds: int = Field(10, ge=1)
    body_bytes_per_second: int = Field(1000, ge=1)
    answer_stall_seconds: float = Field(60, gt=0)
    max_connections: int = Field(4000, ge=1)
    max_open_requests: int = Field(1000, ge=1)
    max_bodies_bytes: int = Field(32 * 1024 * 1024, ge=1)
    max_header_bytes: int = Field(32 * 1024, ge=1024)

    job_lease_seconds: float = Field(15, gt=0)
    job_heartbeat_seconds: float = Field(5, gt=0)
    job_max_attempts: int = Field(5, ge=1)
    job_backoff_seconds: float = Field(1, ge=0)
    job_backoff_max_seconds: float = Field(10, ge=0)
    job_poll_seconds: float = Field(1, gt=0)
    orphan_grace_seconds: float = Field(3600, ge=0)
    orphan_sweep_seconds: float = Field(3600, gt=0)

    @field_validator("database_url")
    @classmethod
    def _modern_scheme(cls, value: str) -> str:
        """Return the URL with the driver psycopg 3 for `postgres://`, which hosting providers give, and `postgresql://`."""
        for scheme in ("postgres://", "postgresql://"):
            if value.startswith(scheme):
                return "postgresql+psycopg://" + value.removeprefix(scheme)
        return value

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _heartbeat_inside_lease(self) -> Self:
        if self.job_heartbeat_seconds >= self.job_lease_seconds:
            raise ValueError("JOB_HEARTBEAT_SECONDS must be shorter than JOB_LEASE_SECONDS")
        return self

    @property
    def address(self) -> str:
        """The address of the service for people: `PUBLIC_URL`, else this machine."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def logs_json(self) -> bool:
        """Whether log lines are JSON: as `LOG_FORMAT` says, else in production."""
        return self.log_format == "json" or (not self.log_format and self.in_production)

    @property
    def in_production(self) -> bool:
        """Whether `APP_ENV` is `production`: a `SECRET_KEY` is required and the fake engine refused."""
        return self.app_env == "production"


def _development_key() -> str:
    """Return the key in `.secret_key` beside the code; the first start writes it, readable by its owner alone."""
    path = ROOT / SECRET_KEY_FILE
    draft = path.with_name(f"{SECRET_KEY_FILE}.{socket.gethostname()}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        # A hard link never replaces a file: two first starts at once end up with the same key.
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _complete(settings: Settings) -> Settings:
    if settings.in_production and not settings.secret_key:
        raise UnsafeSettings("SECRET_KEY is required with APP_ENV=production (openssl rand -base64 48).")
    if settings.in_production and settings.face_recognizer_provider == "fake":
        raise UnsafeSettings("FACE_RECOGNIZER_PROVIDER=fake is for tests only.")
    if settings.face_recognizer_provider in ("dlib", "azure"):
        raise UnsafeSettings(
            f"FACE_RECOGNIZER_PROVIDER={settings.face_recognizer_provider} is not available yet; use local."
        )
    if not settings.secret_key:
        settings.secret_key = _development_key()
    if len(settings.secret_key) < MIN_SECRET_LENGTH:
        raise UnsafeSettings(f"SECRET_KEY needs at least {MIN_SECRET_LENGTH} characters.")
    return settings


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        UnsafeSettings: a value is missing, malformed or not safe for `APP_ENV`.
    """
    try:
        return _complete(Settings())
    except ValidationError as error:
        lines = [
            f"{'_'.join(str(part) for part in problem['loc']).upper() or 'Settings'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise UnsafeSettings("; ".join(lines)) from error
