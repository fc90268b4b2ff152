"""Builds the example observers from source.

    python examples/build.py [--out DIR] [NAME ...]     the named guests, or all whose toolchain is here
    python examples/build.py --prebuilt                 what `wasmhost demo` carries, in place

Each is a project that `wasmhost build` builds as well; what is made here is the same module, without its
manifest. A build is a function of the sources: the same bytes whatever the checkout's path, the state of any
cache, or the machine. (Of a Rust module that is true but for the names of its functions: rustc puts a hash of
the crate's path into them, one reason why none is prebuilt.)
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from wasmhost.authoring.build import compile_into
from wasmhost.authoring.languages import LANGUAGES
from wasmhost.authoring.project import load_project
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.errors import UserError

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
PREBUILT = ROOT / "wasmhost" / "demo" / "guests"


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest: the name of its module, and its project's folder. ``prebuilt``: the demo carries it."""

    name: str
    folder: str
    prebuilt: bool = False


GUESTS = (
    Guest("relay-watch", "relay-watch/zig", prebuilt=True),
    *(
        Guest(f"relay-watch-{language}", f"relay-watch/{language}")
        for language in LANGUAGES
        if language != "zig"
    ),
    Guest("credential-pager", "credential-pager/c", prebuilt=True),
    Guest("flap-detector", "flap-detector/zig", prebuilt=True),
    Guest("event-counter", "event-counter/wat", prebuilt=True),
    Guest("trapper", "bad/trapper", prebuilt=True),
    Guest("spinner", "bad/spinner", prebuilt=True),
)


def build(guest: Guest, folder: Path) -> Path:
    """Build one guest into a folder and return the module's path.

    :raises UserError: it cannot be built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = folder.resolve() / f"{guest.name}.wasm"
    compile_into(load_project(EXAMPLES / guest.folder), out)
    return out


def _choose(names: list[str], prebuilt_only: bool) -> list[Guest]:
    """Pick the guests to build: those named, else the prebuilt ones, else all."""
    known = {guest.name: guest for guest in GUESTS}
    if unknown := [name for name in names if name not in known]:
        raise BuildError(f"unknown guest {', '.join(unknown)}; there are {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [guest for guest in GUESTS if guest.prebuilt or not prebuilt_only]


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line asks for; print one line for each module."""
    parser = argparse.ArgumentParser(description="Build the example observers from source.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a guest; default: all")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: build/guests")
    parser.add_argument("--prebuilt", action="store_true", help="only what the demo carries, in place")
    options = parser.parse_args(arguments)
    folder = options.out or (PREBUILT if options.prebuilt else ROOT / "build" / "guests")
    try:
        chosen = _choose(options.names, options.prebuilt)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    optional = not options.names  # of all there are, those whose toolchain is here
    return max([_build_and_tell(guest, folder, optional=optional) for guest in chosen], default=0)


def _build_and_tell(guest: Guest, folder: Path, *, optional: bool) -> int:
    try:
        out = build(guest, folder)
    except UserError as error:
        output = error.output if isinstance(error, BuildError) else ""
        missing = optional and not guest.prebuilt and not output
        sys.stderr.write(f"{output}\n{guest.name}: {error}\n".lstrip())
        return 0 if missing else 1
    sys.stdout.write(f"{out.stat().st_size:9,} bytes  {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
