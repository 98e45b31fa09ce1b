"""The dashboard and the alert rules read what /metrics has, every metric is documented, and Prometheus takes them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from testkit.builders import Service, people
from tests.test_deployment import DEPLOY, ROOT, tool

TOKEN = {"Authorization": "Bearer monitoring-token-for-tests"}
DASHBOARD = DEPLOY / "grafana" / "reperio.json"
RULES = DEPLOY / "prometheus" / "alerts.yml"
NAME = re.compile(r"\breperio_\w+")
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    read = yaml.safe_load(RULES.read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def expressions_of_dashboard() -> Iterator[str]:
    """Yields the expressions of all panels and variables, without Grafana's variables."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
    for variable in dashboard["templating"]["list"]:
        yield variable.get("definition", "")


@pytest.mark.sqlite_is_enough
def test_every_metric_that_is_read_is_there_and_every_one_is_documented(
    service: Service, rules: list[dict[str, Any]]
) -> None:
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    families = list(text_string_to_metric_families(service.get("/metrics", headers=TOKEN).text))
    ours = {each.name: each for each in families if NAME.match(each.name) and "_created" not in each.name}
    there = {name + suffix for name, each in ours.items() for suffix in SUFFIXES[each.type]}
    read = {
        name
        for text in (*expressions_of_dashboard(), *(rule["expr"] for rule in rules))
        for name in NAME.findall(text)
    }
    assert read - there == set()
    explained = set(re.findall(r"`(reperio_\w+)`", (ROOT / "docs" / "operations.md").read_text()))
    told = {name + ("_total" if each.type == "counter" else "") for name, each in ours.items()}
    assert told - explained == set()
    assert explained - told == set(), "what is explained is there"
    # Names that a label can have, by what was just done.
    labels = {key for each in ours.values() for sample in each.samples for key in sample.labels}
    selected = {
        label
        for text in (*expressions_of_dashboard(), *(rule["expr"] for rule in rules))
        for label in re.findall(r"[{,](\w+)[=!]", text)
    }
    assert selected - labels <= {"instance", "job"}, "labels that Prometheus itself adds"


def test_every_alert_waits_has_a_severity_and_leads_to_its_runbook(rules: list[dict[str, Any]]) -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        document, anchor = rule["annotations"]["runbook"].split("#")
        assert document == "docs/operations.md"
        assert anchor in anchors, rule["alert"]
    named = {each.removeprefix("Alert: ") for each in headings if each.startswith("Alert: ")}
    assert named == {rule["alert"] for rule in rules}


def test_a_figure_of_the_database_is_never_summed_over_servers(rules: list[dict[str, Any]]) -> None:
    # It is the same at each server: a sum would count it as often as there are servers.
    rows = re.findall(
        r"^\| (`reperio_.+?) \|.*?\| database \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
    )
    names = {name for row in rows for name in NAME.findall(row)}
    assert len(names) > 8
    for text in (*expressions_of_dashboard(), *(rule["expr"] for rule in rules)):
        for name in names & set(NAME.findall(text)):
            summed = re.search(rf"sum(?: by \([\w, ]+\))?\s*\((?:\w+\()?{name}\b", text)
            assert summed is None or "sum by (instance)" in text, text


def test_the_dashboard_is_one_that_grafana_loads() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert {"title", "uid", "panels", "schemaVersion", "templating", "time"} <= dashboard.keys()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    taken = set[tuple[int, int]]()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (place["x"] + across, place["y"] + down) for across in range(place["w"]) for down in range(place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${source}"}


def test_prometheus_takes_the_rules_and_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    promtool = tool("promtool")
    for name in ("alerts.yml", "prometheus.yml"):
        shutil.copy(DEPLOY / "prometheus" / name, tmp_path)
    expressions = [{"record": f"a:b{number}", "expr": text} for number, text in enumerate(expressions_of_dashboard())]
    expressions = [each for each in expressions if each["expr"] and not each["expr"].startswith("label_values")]
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": expressions}]}))
    for command in (
        ["check", "config", "--syntax-only", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        ["check", "rules", "dashboard.yml"],
        ["test", "rules", str(ROOT / "tests" / "cases" / "alerts.yml")],
    ):
        done = subprocess.run(
            [promtool, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
