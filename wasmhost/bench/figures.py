"""The figures of a run, as JSON and as the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table: what, nanoseconds per event (None: not measured), and beside what."""

    label: str
    ns: float | None
    ratio: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Nanoseconds per event of each subject; None where it is not installed."""

    airlock_ns: float
    component_ns: float
    wasmtime_py_ns: float
    extism_ns: float | None
    sandbox_ns: float
    emit_to_delivered_ns: float
    emit_to_delivered_disguised_ns: float
    python_ns: float
    structlog_ns: float
    encode_ns: float
    versions: dict[str, str | None]

    def as_json(self) -> dict[str, object]:
        """Give the keys of ``wasmhost bench --json``."""
        return {
            "airlock_ns": self.airlock_ns,
            "component_ns": self.component_ns,
            "wasmtime_py_ns": self.wasmtime_py_ns,
            "extism_ns": self.extism_ns,
            "sandbox_ns": self.sandbox_ns,
            "emit_to_delivered_ns": self.emit_to_delivered_ns,
            "python_ns": self.python_ns,
            "structlog_ns": self.structlog_ns,
            "encode_ns": self.encode_ns,
            "emit_to_delivered_disguised_ns": self.emit_to_delivered_disguised_ns,
            "versions": self.versions,
        }

    def rows(self) -> list[Row]:
        """Give the table: each subject beside the one it is to be compared with."""
        airlock, extism = self.airlock_ns, self.extism_ns
        missing = "not installed: wasmhost[bench]"
        return [
            Row("deliver 74 bytes through the airlock", airlock, "1"),
            Row("  the same to a component", self.component_ns, _times(self.component_ns, airlock)),
            Row(
                "  the same through wasmtime-py's own API",
                self.wasmtime_py_ns,
                _times(self.wasmtime_py_ns, airlock),
            ),
            Row("  the same through Extism's SDK, without fuel", extism, _times(extism, airlock) or missing),
            Row("  the same as a plain Python function", self.python_ns, _times(self.python_ns, airlock)),
            Row("a new sandbox", self.sandbox_ns, f"{_times(self.sandbox_ns, airlock)} a delivery"),
            Row(
                "a WebRTC event from emit to delivered",
                self.emit_to_delivered_ns,
                f"{_times(self.emit_to_delivered_ns, extism)} Extism's call" if extism else "",
            ),
            Row(
                "  the same to an observer that is granted no field",
                self.emit_to_delivered_disguised_ns,
                _times(self.emit_to_delivered_disguised_ns, self.emit_to_delivered_ns),
            ),
            Row("  of which the encoding alone", self.encode_ns, ""),
            Row("a structlog line", self.structlog_ns, _times(self.structlog_ns, airlock)),
        ]


def _times(ns: float | None, reference: float | None) -> str:
    if ns is None or reference is None:
        return ""
    ratio = ns / reference
    return f"× {ratio:.0f}" if ratio >= 10 else f"× {ratio:.2f}"
