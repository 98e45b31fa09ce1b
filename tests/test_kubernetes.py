"""The manifests name only what exists: settings, ports, routes, labels, each other."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from main import app
from settings import Settings
from tests.test_deployment import DEPLOY, OTHER_VARIABLES, gunicorn
from tests.test_monitoring import NAME, RULES

FOLDER = DEPLOY / "kubernetes"
Manifest = dict[str, Any]
__all__ = ["gunicorn"]


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    """All documents of all files."""
    return [each for path in sorted(FOLDER.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())]


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Yields the name of each Deployment, its pod and the pod's container."""
    for name, each in of_kind(manifests, "Deployment").items():
        template = each["spec"]["template"]
        (container,) = template["spec"]["containers"]
        yield name, template, container


def test_the_list_has_every_file_but_those_that_say_so() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    apart = {"kustomization.yaml", "secret.example.yaml", "queue-scaling.yaml"}
    assert {path.name for path in FOLDER.glob("*.yaml")} - apart == set(listed)


def test_the_service_is_told_only_settings_that_exist(manifests: list[Manifest]) -> None:
    known = {name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    told = set(of_kind(manifests, "ConfigMap")["reperio"]["data"])
    told |= set(of_kind(manifests, "Secret")["reperio"]["stringData"])
    for _, __, container in pods(manifests):
        told |= {each["name"] for each in container["env"]}
        assert container["envFrom"] == [{"configMapRef": {"name": "reperio"}}, {"secretRef": {"name": "reperio"}}]
    assert {name for name in told if not name.startswith("AWS_")} - known == set()
    assert {"SECRET_KEY", "DATABASE_URL", "PUBLIC_URL", "APP_ENV"} <= told, "without these, no start"


def test_no_secret_is_in_a_file(manifests: list[Manifest]) -> None:
    for name, value in of_kind(manifests, "Secret")["reperio"]["stringData"].items():
        assert value == "" or "example.org" in value, name
    assert not {name for name in of_kind(manifests, "ConfigMap")["reperio"]["data"] if "KEY" in name}


def test_probes_ask_for_what_every_role_answers(manifests: list[Manifest]) -> None:
    routes = app.openapi()["paths"].keys()
    for name, _, container in pods(manifests):
        (port,) = container["ports"]
        assert {"name": "PORT", "value": str(port["containerPort"])} in container["env"]
        asked = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
        assert {each["port"] for each in asked.values()} == {port["name"]}, name
        assert {each["path"] for each in asked.values()} <= {"/livez", "/readyz"} & routes
        # A database that is away must not end the processes that wait for it.
        assert asked["livenessProbe"]["path"] == "/livez"
        assert asked["readinessProbe"]["path"] == "/readyz"


def test_a_stop_waits_for_the_job_in_hand(manifests: list[Manifest], gunicorn: dict[str, str]) -> None:
    for name, pod, container in pods(manifests):
        before = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        assert pod["spec"]["terminationGracePeriodSeconds"] > before + int(gunicorn["graceful_timeout"]), name


def test_nothing_runs_as_root_or_writes_to_its_image(manifests: list[Manifest]) -> None:
    written = {"/tmp", "/run/reperio", "/data"}  # noqa: S108 - mounts, as the image's volumes
    for _, pod, container in pods(manifests):
        context, security = pod["spec"]["securityContext"], container["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 10001)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert security == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["spec"]["automountServiceAccountToken"] is False
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert written < set(mounts.values())
        assert {each["name"] for each in pod["spec"]["volumes"]} == set(mounts)
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_an_upgrade_takes_no_machine_away_first(manifests: list[Manifest]) -> None:
    for each in of_kind(manifests, "Deployment").values():
        assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_what_refers_to_another_finds_it(manifests: list[Manifest]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod, _ in pods(manifests)}
    assert labels.keys() == {"web", "worker"}
    for name, each in of_kind(manifests, "Deployment").items():
        assert each["spec"]["selector"]["matchLabels"] == labels[name]
    for name, each in of_kind(manifests, "PodDisruptionBudget").items():
        assert each["spec"]["selector"]["matchLabels"] == labels[name]
    for name, each in of_kind(manifests, "NetworkPolicy").items():
        assert each["spec"]["podSelector"]["matchLabels"] == labels[name]
        assert [port["port"] for rule in each["spec"]["ingress"] for port in rule["ports"]] == ["http"]
    services = of_kind(manifests, "Service")
    for name, each in services.items():
        assert each["spec"]["selector"] == labels[name]
        assert [port["targetPort"] for port in each["spec"]["ports"]] == ["http"]
    for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        for each in of_kind(manifests, kind).values():
            assert each["spec"]["scaleTargetRef"]["name"] in labels
    (ingress,) = of_kind(manifests, "Ingress").values()
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            target = path["backend"]["service"]
            ports = services[target["name"]]["spec"]["ports"]
            assert target["port"]["name"] in {port["name"] for port in ports}


def test_the_ingress_takes_the_largest_upload(manifests: list[Manifest]) -> None:
    (ingress,) = of_kind(manifests, "Ingress").values()
    size = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) * 1024**2 >= Settings().max_upload_bytes


def test_workers_scale_by_metrics_that_the_alerts_read_too(manifests: list[Manifest]) -> None:
    triggers = of_kind(manifests, "ScaledObject")["worker"]["spec"]["triggers"]
    read = {name for each in triggers for name in NAME.findall(each["metadata"]["query"])}
    assert read
    assert read - {"reperio_jobs"} <= set(NAME.findall(RULES.read_text()))
