"""The table of metrics in the operator's guide is what is exported, and the unit is a unit."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from wasmhost.config.telemetry import TelemetryConfig
from wasmhost.telemetry.catalog import LABELS, METRICS
from wasmhost.telemetry.prometheus import PrometheusPage
from wasmhost.telemetry.telemetry import Telemetry

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/operations.md").read_text()
UNIT = ROOT / "examples/systemd/wasmhost.service"


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    section = GUIDE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_has_every_metric() -> None:
    """By both names, with its kind, labels and meaning."""
    expected = [
        [
            f"`{metric.prometheus}`",
            f"`{metric.name}`",
            metric.kind if metric.kind != "sum" else "gauge",
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.help,
        ]
        for metric in METRICS
    ]
    assert rows("Metrics") == expected


def test_the_table_of_labels() -> None:
    """As Prometheus has them, and as OpenTelemetry does."""
    assert [row[:2] for row in rows("Labels")] == [
        [f"`{name}`", f"`{other}`"] for name, other in LABELS.items()
    ]


def test_what_is_exported_is_what_the_table_has() -> None:
    """Families without a value have their line too."""
    page = PrometheusPage(Telemetry(TelemetryConfig()).points).write("").body.decode()
    exported = set(re.findall(r"# TYPE (wasmhost_\S+)", page))
    assert exported == {row[0].strip("`") for row in rows("Metrics")}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_one(tmp_path: Path) -> None:
    """As systemd sees it; the program is another, as it is not installed here."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/wasmhost/bin/wasmhost", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
