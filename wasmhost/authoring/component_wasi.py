"""WASI for a guest inside of a component: the airlock's answers, in a module of ours beside the guest's.

What the airlock does not tell, this does not tell either: output becomes log lines, time is the event's,
random is the delivery's, and there are no files.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.airlock.assemble import WatTemplate, abi_constants, wasi_functions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wasmhost.sandbox.airlock.abi import Import

_NAMES: Final = {
    "log.write": "log",
    "panic.report": "panic",
    "delivery.now": "now",
    "delivery.random": "random",
    "delivery.sequence": "sequence",
}
"""What component_wasi.wat calls the capabilities that its answers end in."""
NEEDED: Final = tuple(entry for entry in abi.CAPABILITY_IMPORTS if entry.symbol in _NAMES)
"""Those capabilities; everybody has them."""

# Where things are in the memory of the hooks that do nothing: behind the 16 bytes of those, before page 1.
_LAYOUT: Final = {
    "IN_AT": "16",
    "OUT_LENGTH": "24",
    "OUT_LOGS_DROPPED": "28",
    "OUT_EXIT": "32",
    "OUT_PHASE": "36",
    "OUT_BUFFER": "1024",
    "ERR_BUFFER": "21504",
    "SAID_BUFFER": "41984",
    "BUFFER_BYTES": "20480",
    "AREA_BYTES": "16384",  # no piece of output is longer
}
_OWN: Final = {name: f"${name}" for name in ("clock_time_get", "fd_write", "proc_exit")}


def wasi_module(imports: Sequence[Import], host: Mapping[Import, str]) -> str:
    """The module that answers these imports; ``host`` names the core function of each of `NEEDED`."""
    values = abi_constants() | _LAYOUT
    text = resources.files("wasmhost.authoring").joinpath("component_wasi.wat").read_text("utf-8")
    module = WatTemplate(text).substitute(
        values,
        WASI_FUNCTIONS=wasi_functions(tuple(imports), values),
        EXPORTS="\n".join(f'  (export "{entry.name}" (func {_answer(entry)}))' for entry in imports),
    )
    given = " ".join(f'(export "{_NAMES[entry.symbol]}" (func {host[entry]}))' for entry in NEEDED)
    return f"""{module}
(core instance $wasi (instantiate $wasi-module
  (with "guest" (instance $guest))
  (with "quiet" (instance $quiet))
  (with "host" (instance {given}))))"""


def _answer(entry: Import) -> str:
    return _OWN.get(entry.name, f"${entry.symbol}")
