"""Builds the example observers from source.

    python examples/build.py [--out DIR] [NAME ...]     the named guests, or all whose toolchain is here
    python examples/build.py --prebuilt                 what `wasmhost demo` carries, in place

C and Zig guests are built by the pinned ``ziglang`` from PyPI, WAT by wasmtime, Rust by the user's own
cargo. A build is a function of the sources: the same bytes whatever the checkout's path, the state of any
cache, or the machine. (Of a Rust module that is true but for the names of its functions: rustc puts a hash of
the crate's path into them, one reason why none is prebuilt.)
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

from wasmhost.authoring.sections import strip_debug

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PREBUILT = ROOT / "wasmhost" / "demo" / "guests"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wasmhost"

STACK_BYTES = 16384
RUST_TARGET = "wasm32-unknown-unknown"


class BuildError(Exception):
    """A guest can't be built; its text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest: the name of its module, its language, and its source relative to the checkout.

    For Rust the source is the crate's folder. ``prebuilt``: it is in the wheel, for the demo.
    """

    name: str
    language: str
    source: str
    prebuilt: bool


GUESTS = (
    Guest("relay-watch", "zig", "examples/relay-watch/zig/relay_watch.zig", prebuilt=True),
    Guest("relay-watch-rust", "rust", "examples/relay-watch/rust", prebuilt=False),
    Guest("credential-pager", "c", "examples/credential-pager/c/credential_pager.c", prebuilt=True),
    Guest("flap-detector", "zig", "examples/flap-detector/zig/flap_detector.zig", prebuilt=True),
    Guest("event-counter", "wat", "examples/event-counter/wat/event_counter.wat", prebuilt=True),
    Guest("trapper", "c", "examples/bad/trapper/trapper.c", prebuilt=True),
    Guest("spinner", "wat", "examples/bad/spinner/spinner.wat", prebuilt=True),
)


def _run(command: list[str], environment: dict[str, str]) -> None:
    """Run a compiler in the checkout, so that every path it sees is relative to it."""
    done = subprocess.run(  # noqa: S603 - a fixed compiler, fixed arguments
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[:4])} … failed:\n{done.stderr.strip()}")


def _zig(arguments: list[str]) -> None:
    """Run the zig of PyPI; its caches stay out of the checkout."""
    _run(
        [sys.executable, "-m", "ziglang", *arguments],
        {"ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "ZIG_LOCAL_CACHE_DIR": str(CACHE / "zig")},
    )


def build_c(source: str, out: Path) -> None:
    """Compile a C guest together with the C SDK's one source."""
    target = ["-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory"]
    language = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib"]
    # zig cc turns on the undefined-behaviour sanitizer by default. -g brings the function names that
    # backtraces need; what else it brings is stripped.
    code = ["-Os", "-g", "-fno-sanitize=all", "-Iguest-sdk/c"]
    link = ["-Wl,--no-entry", f"-Wl,-z,stack-size={STACK_BYTES}"]
    sources = [source, "guest-sdk/c/wasmhost_observer.c"]
    _zig(["cc", *target, *language, *code, *link, "-o", str(out), *sources])
    out.write_bytes(strip_debug(out.read_bytes()))


def build_zig(source: str, out: Path) -> None:
    """Compile a Zig guest with the Zig SDK as its module ``wasmhost``."""
    target = ["-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory"]
    code = ["-O", "ReleaseSmall", "-fno-strip", "-fno-entry", "-rdynamic", "--stack", str(STACK_BYTES)]
    modules = ["--dep", "wasmhost", f"-Mroot={source}", "-Mwasmhost=guest-sdk/zig/src/wasmhost.zig"]
    _zig(["build-exe", *target, *code, *modules, f"-femit-bin={out}"])
    out.write_bytes(strip_debug(out.read_bytes()))


def build_wat(source: str, out: Path) -> None:
    """Assemble a WAT guest."""
    out.write_bytes(strip_debug(bytes(wasmtime.wat2wasm((ROOT / source).read_text()))))


def build_rust(source: str, out: Path) -> None:
    """Compile a Rust guest; all of them share one target folder, outside the checkout."""
    cargo = shutil.which("cargo")
    if cargo is None:
        raise BuildError("needs cargo: install rustup (https://rustup.rs)")
    add_rust_target()
    target_dir = Path(os.environ.get("CARGO_TARGET_DIR") or CACHE / "target")
    cargo_home = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    flags = [
        # Panics name their source file: relative to the checkout, or to the registry.
        f"--remap-path-prefix={ROOT}/=",
        f"--remap-path-prefix={cargo_home}/registry/src=registry",
        "-Clink-arg=-zstack-size=65536",
    ]
    manifest = ["--manifest-path", f"{source}/Cargo.toml"]
    _run(
        [cargo, "build", "--quiet", "--release", "--lib", "--target", RUST_TARGET, *manifest],
        {"CARGO_TARGET_DIR": str(target_dir), "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags)},
    )
    crate = _crate_name(ROOT / source / "Cargo.toml")
    built = target_dir / RUST_TARGET / "release" / f"{crate.replace('-', '_')}.wasm"
    out.write_bytes(strip_debug(built.read_bytes()))


def add_rust_target() -> None:
    """Have rustup fetch the standard library for Wasm where it is not there yet; at once where it is."""
    if rustup := shutil.which("rustup"):
        _run([rustup, "target", "add", RUST_TARGET], {})


def _crate_name(manifest: Path) -> str:
    return str(tomllib.loads(manifest.read_text())["package"]["name"])


BUILDERS: dict[str, Callable[[str, Path], None]] = {
    "c": build_c,
    "zig": build_zig,
    "wat": build_wat,
    "rust": build_rust,
}


def build(guest: Guest, folder: Path) -> Path:
    """Build one guest into a folder and return the module's path."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder.resolve() / f"{guest.name}.wasm"
    BUILDERS[guest.language](guest.source, out)
    return out


def _choose(names: list[str], prebuilt_only: bool) -> list[Guest]:
    """Pick the guests to build: those named, else the prebuilt ones, else all there is a toolchain for."""
    known = {guest.name: guest for guest in GUESTS}
    if unknown := [name for name in names if name not in known]:
        raise BuildError(f"unknown guest {', '.join(unknown)}; there are {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [
        guest
        for guest in GUESTS
        if guest.prebuilt or (not prebuilt_only and (guest.language != "rust" or shutil.which("cargo")))
    ]


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line asks for; print one line for each module."""
    parser = argparse.ArgumentParser(description="Build the example observers from source.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a guest; default: all")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: build/guests")
    parser.add_argument("--prebuilt", action="store_true", help="only what the demo carries, in place")
    options = parser.parse_args(arguments)
    folder = options.out or (PREBUILT if options.prebuilt else ROOT / "build" / "guests")
    try:
        for guest in _choose(options.names, options.prebuilt):
            out = build(guest, folder)
            sys.stdout.write(f"{guest.language:5} {out.stat().st_size:7,} bytes  {out}\n")
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
