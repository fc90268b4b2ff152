"""Where reports go."""

from wasmhost.sinks.base import ReportRecord, Sink
from wasmhost.sinks.ndjson import NdjsonSink, open_sink

__all__ = ["NdjsonSink", "ReportRecord", "Sink", "open_sink"]
