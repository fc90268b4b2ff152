"""What `wasmhost demo` needs: prebuilt guests and recorded traces."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent

TRACES: Final = _HERE / "traces"
REAL_TRACE: Final = TRACES / "actr-0.4.21-loopback.cborseq"
"""65 events of five real nodes; its README says how they were recorded."""
SYNTHETIC_TRACE: Final = TRACES / "synthetic.cborseq"
"""What the real one lacks; made by ``examples/traces/make_synthetic.py``."""


def guest(name: str) -> Path:
    """Return the module of a prebuilt guest."""
    return _HERE / "guests" / f"{name}.wasm"
