"""What sandboxes read from files, read before there is no right to open one any more."""

from __future__ import annotations

import contextlib
from importlib import import_module

from wasmhost.sandbox.airlock.assemble import read_templates
from wasmhost.sandbox.compiling import engine_version


def make_ready() -> None:
    """Have at hand what is otherwise read or imported when it is first needed."""
    read_templates()
    engine_version()
    for codec in ("ascii", "latin-1", "utf-8", "unicode_escape"):
        b"".decode(codec)
        "".encode(codec)
    with contextlib.suppress(ImportError, RuntimeError):  # `confine.seal` says so, where it is missing
        import_module("pyseccomp")  # looks for its library by starting a program
