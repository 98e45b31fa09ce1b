"""What is shipped for a deployment fits the service's own settings, and passes the tools that read it."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
# Variables that are read elsewhere than in `settings.Settings`: by Gunicorn, and by `jobs.worker` and its like.
OTHER_VARIABLES = {"FORWARDED_ALLOW_IPS"}
# Services that run the image.
OURS = ("service", "worker")
SECONDS = re.compile(r"^(\d+)s$")


def tool(name: str) -> str:
    """Return the path of a program, in the environment or the system; without it the test skips."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def seconds(value: str) -> int:
    """Return the seconds of a duration such as `40s`."""
    found = SECONDS.match(value)
    assert found, value
    return int(found[1])


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file, with its variables not yet filled in."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text())
    return read


@pytest.fixture(scope="module")
def gunicorn() -> dict[str, str]:
    """The numbers in gunicorn_config.py, which starts things when it is imported."""
    return dict(re.findall(r"^(\w+) = (\d+)$", (ROOT / "gunicorn_config.py").read_text(), re.MULTILINE))


def test_the_secrets_are_required_each_with_the_way_to_make_one() -> None:
    needed = dict(re.findall(r"\$\{(\w+):\?([^}]+)\}", (ROOT / "compose.yml").read_text()))
    assert needed.keys() == {"DOMAIN", "SECRET_KEY", "POSTGRES_PASSWORD", "S3_SECRET_KEY"}
    for name in needed.keys() - {"DOMAIN"}:
        assert re.fullmatch(rf"set {name} in .env; make one with: openssl rand .+", needed[name])
    example = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert needed.keys() <= example.keys()
    assert [example[name] for name in needed if name != "DOMAIN"] == ["", "", ""], "an example is no secret"


def test_every_variable_of_the_compose_file_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yml").read_text()))
    shown = set(re.findall(r"^(?:# )?(\w+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert used == shown


def test_the_service_is_told_only_settings_that_exist(compose: dict[str, Any]) -> None:
    known = {name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    for name in OURS:
        told = {each for each in compose["services"][name]["environment"] if not each.startswith("AWS_")}
        assert told <= known
        assert compose["services"][name]["environment"]["APP_ENV"] == "production"


def test_a_worker_has_the_settings_of_the_service_and_a_role_of_its_own(compose: dict[str, Any]) -> None:
    service, worker = (compose["services"][name] for name in OURS)
    assert worker["environment"] == {**service["environment"], "ROLE": "worker"}
    assert worker["command"] == ["python", "-m", "jobs.worker"]
    same = (
        "image",
        "init",
        "restart",
        "read_only",
        "cap_drop",
        "security_opt",
        "stop_grace_period",
        "tmpfs",
        "env_file",
    )
    assert [worker[each] for each in same] == [service[each] for each in same]
    assert "ports" not in worker


def test_without_a_profile_only_the_service_and_what_it_needs_are_started(compose: dict[str, Any]) -> None:
    always = {name for name, each in compose["services"].items() if "profiles" not in each}
    assert always == {"proxy", "service", "database", "objects"}
    for name, each in compose["services"].items():
        for other in each.get("depends_on", {}):
            profiles = set(compose["services"][other].get("profiles", []))
            assert not profiles or profiles >= set(each.get("profiles", [])), f"{name} would lack {other}"


def test_prometheus_asks_every_service_that_runs_the_image(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (scrape,) = config["scrape_configs"]
    (names,) = scrape["dns_sd_configs"]
    assert tuple(names["names"]) == OURS
    assert names["port"] == 8000
    assert scrape["authorization"]["credentials_file"] == "/run/secrets/monitoring-token"
    assert compose["services"]["prometheus"]["secrets"] == ["monitoring-token"]
    assert compose["secrets"] == {"monitoring-token": {"environment": "MONITORING_TOKEN"}}
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    folder = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/reperio.yml").read_text())
    place = folder["providers"][0]["options"]["path"]
    assert f"./deploy/grafana/reperio.json:{place}/reperio.json:ro" in compose["services"]["grafana"]["volumes"]


def test_only_the_proxy_is_open_to_everybody(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), (name, port)
    assert compose["networks"]["back"]["internal"] is True
    for name in ("database", "objects", "limits", "pgbouncer"):
        assert compose["services"][name]["networks"] == ["back"]


def test_every_volume_and_service_that_is_named_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if ":" not in volume:
                # One of the container's own.
                continue
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"], source
        for name, condition in service.get("depends_on", {}).items():
            other = compose["services"][name]
            assert condition["condition"] == "service_healthy"
            assert "healthcheck" in other or "build" in other, f"{name} never becomes healthy"


def test_containers_cannot_write_to_their_image_nor_gain_rights(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "mail":
            assert service["security_opt"] == ["no-new-privileges:true"], name
    for name in OURS:
        assert compose["services"][name]["read_only"] is True
        assert compose["services"][name]["cap_drop"] == ["ALL"]


def test_whatever_the_image_writes_is_a_volume(compose: dict[str, Any]) -> None:
    image = (ROOT / "Dockerfile").read_text()
    volumes = set(re.findall(r'"(/[^"]+)"', re.search(r"^VOLUME (.+)$", image, re.MULTILINE)[1]))  # type: ignore[index]
    service = compose["services"]["service"]
    mounted = {volume.split(":")[1] for volume in service["volumes"]}
    mounted |= {each.split(":")[0] for each in service["tmpfs"]}
    assert mounted == volumes
    # A GiB of uploads must not lie in memory.
    assert "uploads:/tmp" in service["volumes"]


def test_a_stop_waits_for_the_job_in_hand(compose: dict[str, Any], gunicorn: dict[str, str]) -> None:
    grace = int(gunicorn["graceful_timeout"])
    assert seconds(compose["services"]["service"]["stop_grace_period"]) > grace
    unit = (DEPLOY / "reperio.service").read_text()
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1]) > grace  # type: ignore[index]


def test_the_proxys_limits_are_the_services(gunicorn: dict[str, str]) -> None:
    settings, text = Settings(), (DEPLOY / "Caddyfile").read_text()
    sizes = [
        int(size) * 1024**2 * (1024 if unit == "G" else 1)
        for size, unit in re.findall(r"max_size (\d+)(G|M)iB", text)
    ]
    # A selfie's body may be 2.5 times a selfie, so that its sender learns the reason.
    assert sizes == [settings.max_upload_bytes, int(settings.max_selfie_bytes * 2.5)]
    kept_alive = re.search(r"keepalive (\d+)s", text)
    assert kept_alive
    assert int(kept_alive[1]) < int(gunicorn["keepalive"]), "the service would close a connection that the proxy uses"
    waited = re.search(r"lb_try_duration (\d+)s", text)
    assert waited
    assert int(waited[1]) > int(gunicorn["graceful_timeout"]), "requests would fail during a restart"


def test_the_dockerfile_passes_its_linter() -> None:
    done = subprocess.run([tool("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_leaves_out_secrets_tests_and_history() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    # `.*` is all that begins with a dot: .env, .git, .secret_key, .venv.
    assert {".*", "tests", "bench", "docs", "var", "*.db*"} <= set(left_out)
    # The service reads its version there.
    assert "pyproject.toml" not in left_out


@pytest.mark.server
@pytest.mark.long
def test_the_image_has_all_that_the_service_reads(tmp_path: Path) -> None:
    left_out = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    for path in ROOT.iterdir():
        if not any(fnmatch(path.name, pattern) for pattern in left_out):
            place = tmp_path / path.name
            shutil.copytree(path, place) if path.is_dir() else shutil.copy(path, place)
    given = {**os.environ, "SECRET_KEY": "x" * 40, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    program = "import gunicorn_config, main, migrations.upgrade, backup.take, decoding.template; print(main.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=given, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(tmp_path / "main.py"), done.stderr


@pytest.mark.parametrize("address", ["photos.example.org", "localhost"])
def test_caddy_takes_the_proxy_configuration(address: str, tmp_path: Path) -> None:
    given = {**os.environ, "SITE_ADDRESS": address, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = [tool("caddy"), "validate", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    # The paths of an installation, which this machine does not have.
    text = (DEPLOY / "reperio.service").read_text().replace("/opt/reperio/venv/bin/gunicorn", "/bin/true")
    unit = tmp_path / "reperio.service"
    unit.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))
    shutil.copy(DEPLOY / "reperio.socket", tmp_path)
    checked = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", unit], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout
