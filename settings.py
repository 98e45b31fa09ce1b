"""The settings, read from the environment once a process."""

import os
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from limit_settings import LimitSettings
from privacy_settings import PrivacySettings
from recogniser_settings import RecogniserSettings, azure_problem, provider_problem
from setting_values import LOOPBACK, is_ascii_address, is_origin, kept_key, listed

ROOT = Path(__file__).resolve().parent
SECRET_KEY_FILE = ".secret_key"  # noqa: S105 - a file name
MIN_SECRET_LENGTH = 32
MAX_ORPHAN_GRACE_SECONDS = 10 * 365 * 86400
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
NO_OUTBOX = "off"
# Of a host, without scheme and port; an IPv6 address without brackets.
HOST_NAME = re.compile(r"[A-Za-z0-9._:-]+")
# A name with a dot and letters at its end, so that no address fits.
PUSH_HOST = re.compile(r"\.?([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*")


@lru_cache
def version() -> str:
    """Return the version of this release: the one in `pyproject.toml`, which comes with the code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


class UnsafeSettings(Exception):
    """The service does not start with these settings. The message says what to change."""


class Settings(RecogniserSettings, PrivacySettings, LimitSettings):
    """Each field is an environment variable of the same name in capitals; the name ends in its unit."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    app_env: Literal["development", "production"] = "development"
    secret_key: str = ""
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = ""
    allowed_hosts: str = ""
    cors_origins: str = ""
    public_docs: bool | None = None
    monitoring_token: str = ""
    admin_username: str = "admin"
    admin_password: str = ""
    require_consent: bool = False
    admin_second_factor: Literal["optional", "required"] = "optional"

    database_url: str = "sqlite:///./face_recognition.db"
    listen_database_url: str = ""
    db_pool_size: int = Field(10, ge=1)
    db_max_overflow: int = Field(10, ge=0)
    db_pool_recycle: int = Field(1800, ge=-1)
    db_pool_timeout: float = Field(10.0, gt=0)
    job_engine: Literal["embedded", "procrastinate"] = "embedded"
    storage_url: str = "file://./var/storage"
    gunicorn_workers: int = Field(default_factory=lambda: max(1, min(os.cpu_count() or 1, 8)), ge=1, le=64)
    gunicorn_max_requests: int = Field(0, ge=0)

    token_hours: float = Field(24, gt=0)
    refresh_days: float = Field(30, gt=0, le=180)
    event_lifetime_days: int = Field(30, ge=1)
    photos_kept_days: int = Field(365, ge=1, le=36500)
    faces_kept_days: int = Field(30, ge=1, le=36500)
    trash_days: int = Field(30, ge=1, le=3650)
    poster_font: str = (
        "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc,/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"
    )
    log_format: Literal["text", "json", ""] = ""
    access_log: bool = True
    max_selfie_bytes: int = 10 * 1024 * 1024
    max_selfie_pixels: int = 64_000_000
    max_photo_bytes: int = 50 * 1024 * 1024
    max_raw_bytes: int = 120 * 1024 * 1024
    max_photo_pixels: int = 120_000_000
    max_jpeg_pixels: int = 220_000_000
    max_upload_bytes: int = 1024**3
    max_json_bytes: int = 1024 * 1024

    job_lease_seconds: float = Field(15, gt=0)
    job_heartbeat_seconds: float = Field(5, gt=0)
    job_deadline_seconds: float = Field(120, gt=0)
    job_max_attempts: int = Field(5, ge=1)
    job_backoff_seconds: float = Field(1, ge=0)
    job_backoff_max_seconds: float = Field(10, ge=0)
    job_poll_seconds: float = Field(1, gt=0)
    search_again_seconds: float = Field(30, ge=0, le=86_400)
    orphan_grace_seconds: float = Field(3600, ge=0, le=MAX_ORPHAN_GRACE_SECONDS)
    erasure_log: str = ""
    erasure_log_key: str = ""
    master_key: str = ""
    master_key_previous: str = ""
    master_key_file: str = ""
    key_store_url: str = ""
    orphan_quarantine_days: int = Field(7, ge=0, le=3650)
    smtp_host: str = ""
    smtp_port: int = Field(0, ge=0, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_ca_file: str = ""
    mail_from: str = ""
    mail_reply_to: str = ""
    mail_outbox: str = ""
    mail_retry_hours: float = Field(48, gt=0)
    notify_quiet_seconds: float = Field(300, ge=0, le=86_400)
    notify_interval_seconds: float = Field(3600, ge=0, le=7 * 86_400)
    notify_poll_seconds: float = Field(2, gt=0, le=3600)
    push_hosts: str = ""
    push_test_origin: str = ""
    push_test_ca_file: str = ""
    orphan_sweep_seconds: float = Field(3600, gt=0)
    ending_sweep_seconds: float = Field(600, gt=0)

    @field_validator("database_url", "listen_database_url")
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

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not is_origin(value):
            raise ValueError("an address such as https://photos.example.org, without a path")
        return value

    @field_validator("push_hosts")
    @classmethod
    def _are_push_names(cls, value: str) -> str:
        wrong = [each for each in listed(value) if not PUSH_HOST.fullmatch(each)]
        if wrong:
            raise ValueError(f"{wrong[0]} is no host name; write push.example.org, or .example.org with all below")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, value: str) -> str:
        wrong = [each for each in listed(value) if not HOST_NAME.fullmatch(each)]
        if wrong:
            raise ValueError(f"{wrong[0]} is no host name; write www.example.org, separated by commas")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        """Check each origin. `*` is refused: any site could then act with what a visitor's browser holds."""
        wrong = [each for each in listed(value) if not is_origin(each)]
        if wrong:
            raise ValueError(f"{wrong[0]} is no origin; write https://app.example.org, separated by commas")
        return value

    @model_validator(mode="after")
    def _heartbeat_inside_lease(self) -> Self:
        if self.job_heartbeat_seconds >= self.job_lease_seconds:
            raise ValueError("JOB_HEARTBEAT_SECONDS must be shorter than JOB_LEASE_SECONDS")
        return self

    @property
    def dispatches_by_tickets(self) -> bool:
        """Whether jobs are dispatched by Procrastinate: `JOB_ENGINE`."""
        return self.job_engine == "procrastinate"

    @property
    def address(self) -> str:
        """The address of the service for people: `PUBLIC_URL`, else this machine."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def origins(self) -> list[str]:
        """The other origins whose pages may call the API: `CORS_ORIGINS`."""
        return listed(self.cors_origins)

    @property
    def poster_fonts(self) -> tuple[str, ...]:
        """The files of fonts for what the posters' own fonts lack, in the order of trying: `POSTER_FONT`."""
        return tuple(listed(self.poster_font))

    @property
    def allowed_host_names(self) -> list[str]:
        """The further names in `Host` that are answered: `ALLOWED_HOSTS`, in lower case."""
        return listed(self.allowed_hosts.lower())

    @property
    def push_host_names(self) -> list[str]:
        """The hosts of further push services: `PUSH_HOSTS`, in lower case."""
        return listed(self.push_hosts.lower())

    @property
    def docs_are_public(self) -> bool:
        """Whether anybody may read `/docs`: as `PUBLIC_DOCS` says, else outside production."""
        return not self.in_production if self.public_docs is None else self.public_docs

    @property
    def mail_folder(self) -> Path | None:
        """The folder that mails are written to instead of being sent: `MAIL_OUTBOX`, in development by default."""
        if self.smtp_host or self.mail_outbox == NO_OUTBOX or not (self.mail_outbox or not self.in_production):
            return None
        return Path(self.mail_outbox or "var/outbox")

    @property
    def mail_is_on(self) -> bool:
        """Whether mails are sent, or written to a folder."""
        return bool(self.smtp_host) or self.mail_folder is not None

    @property
    def mail_port(self) -> int:
        """The port of the mail server: `SMTP_PORT`, else the usual one of `SMTP_SECURITY`."""
        return self.smtp_port or SMTP_PORTS[self.smtp_security]

    @property
    def mail_sender(self) -> str:
        """The `From` of mails: `MAIL_FROM`, or for a folder an address of this machine."""
        return self.mail_from or "Reperio <reperio@localhost>"

    @property
    def logs_json(self) -> bool:
        """Whether log lines are JSON: as `LOG_FORMAT` says, else in production."""
        return self.log_format == "json" or (not self.log_format and self.in_production)

    @property
    def in_production(self) -> bool:
        """Whether `APP_ENV` is `production`: a `SECRET_KEY` is required and the fake engine refused."""
        return self.app_env == "production"


def _check_mail(settings: Settings) -> None:
    for name, value in (("MAIL_FROM", settings.mail_from), ("MAIL_REPLY_TO", settings.mail_reply_to)):
        if value and not is_ascii_address(value):
            raise UnsafeSettings(f"{name} is not an address such as Reperio <photos@example.org>.")
    if not settings.smtp_host:
        return
    if not settings.mail_from:
        raise UnsafeSettings("MAIL_FROM is required with SMTP_HOST.")
    if settings.in_production and not settings.public_url:
        raise UnsafeSettings("PUBLIC_URL is required with SMTP_HOST: mails contain links.")
    if settings.smtp_username and settings.smtp_security == "none" and settings.smtp_host not in LOOPBACK:
        raise UnsafeSettings("SMTP_USERNAME with SMTP_SECURITY=none would send the password unencrypted.")
    if settings.smtp_ca_file and not Path(settings.smtp_ca_file).is_file():
        raise UnsafeSettings(f"SMTP_CA_FILE={settings.smtp_ca_file} is not a file.")


def _complete(settings: Settings) -> Settings:
    _check_mail(settings)
    if settings.dispatches_by_tickets and not settings.database_url.startswith("postgresql+psycopg://"):
        raise UnsafeSettings(
            "JOB_ENGINE=procrastinate needs PostgreSQL with the driver psycopg 3 "
            "(DATABASE_URL=postgresql://…); with any other DATABASE_URL leave JOB_ENGINE out."
        )
    if settings.push_test_origin and settings.in_production:
        raise UnsafeSettings("PUSH_TEST_ORIGIN is for tests: with it, clients reach an address inside.")
    if settings.in_production and not settings.secret_key:
        raise UnsafeSettings("SECRET_KEY is required with APP_ENV=production (openssl rand -base64 48).")
    if settings.in_production and not settings.public_url:
        raise UnsafeSettings("PUBLIC_URL is required with APP_ENV=production (https://photos.example.org).")
    if settings.in_production and "database_url" not in settings.model_fields_set:
        raise UnsafeSettings(
            "DATABASE_URL is required with APP_ENV=production: the default would be a new, empty database "
            "(postgresql://…, or sqlite:////var/lib/reperio/reperio.db)."
        )
    if problem := provider_problem(settings, in_production=settings.in_production) or azure_problem(settings):
        raise UnsafeSettings(problem)
    if not settings.secret_key:
        settings.secret_key = kept_key(ROOT / SECRET_KEY_FILE)
    if len(settings.secret_key) < MIN_SECRET_LENGTH:
        raise UnsafeSettings(f"SECRET_KEY needs at least {MIN_SECRET_LENGTH} characters.")
    if settings.master_key and settings.master_key_file:
        raise UnsafeSettings("MASTER_KEY and MASTER_KEY_FILE are both set; one of them names the master key.")
    given = (settings.master_key, settings.master_key_previous)
    if any(each and len(each) < MIN_SECRET_LENGTH for each in given):
        raise UnsafeSettings(f"MASTER_KEY and MASTER_KEY_PREVIOUS need at least {MIN_SECRET_LENGTH} characters each.")
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
