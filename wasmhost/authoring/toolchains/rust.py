"""Rust, by the user's own cargo."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import BuildError, Built, find_program, run

if TYPE_CHECKING:
    from wasmhost.authoring.toolchains.base import Job

TARGET: Final = "wasm32-unknown-unknown"
_STACK_BYTES: Final = 65536


def build(job: Job) -> Built:
    """Compile an observer. The source is its crate's folder."""
    cargo = find_program("cargo")
    if cargo is None:
        raise BuildError("needs Rust: install rustup (https://rustup.rs)")
    add_target(job.project)
    manifest = _manifest(job.source)
    target_dir = job.cache / "target"
    run(
        [cargo, "build", "--quiet", "--release", "--lib", "--target", TARGET, "--manifest-path", manifest],
        cwd=job.project,
        environment={"CARGO_TARGET_DIR": str(target_dir), "CARGO_ENCODED_RUSTFLAGS": _flags(job)},
    )
    built = target_dir / TARGET / "release" / f"{_library(manifest)}.wasm"
    job.out.write_bytes(strip_debug(built.read_bytes()))
    return Built()


def add_target(project: Path) -> None:
    """Have rustup fetch the standard library for Wasm where the project's toolchain lacks it."""
    if rustc := find_program("rustc"):
        asked = [rustc, "--print", "target-libdir", "--target", TARGET]
        if Path(run(asked, cwd=project).strip()).is_dir():
            return
    rustup = find_program("rustup")
    if rustup is None:
        raise BuildError(f"needs Rust's {TARGET}: install rustup (https://rustup.rs)")
    run([rustup, "target", "add", TARGET], cwd=project)


def _flags(job: Job) -> str:
    """What rustc is told. Panics name their source file: relative to the project, the SDK or the registry."""
    cargo_home = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    flags = [
        f"--remap-path-prefix={job.project}/=",
        f"--remap-path-prefix={job.sdk}/=sdk/",
        f"--remap-path-prefix={cargo_home}/registry/src=registry",
        f"-Clink-arg=-zstack-size={_STACK_BYTES}",
    ]
    return "\x1f".join(flags)


def _manifest(source: Path) -> Path:
    manifest = source / "Cargo.toml"
    if not manifest.is_file():
        raise BuildError(f"{source.name} has no Cargo.toml: name the crate's folder as the source")
    return manifest


def _library(manifest: Path) -> str:
    """The name cargo gives to what it builds.

    :raises BuildError: it is the manifest of a workspace, and of no crate.
    """
    stated = tomllib.loads(manifest.read_text(encoding="utf-8"))
    if "package" not in stated:
        raise BuildError(f"{manifest.parent.name} is a workspace: name the crate's folder as the source")
    name = stated.get("lib", {}).get("name") or stated["package"]["name"]
    return str(name).replace("-", "_")
