"""Python, by PyPI's ``componentize-py``: a component with CPython and what the observer has imported in it.

The author's module is imported twice. First here, in a plain Python, to see what it is made of: its hooks,
the capabilities it uses, the files that were read. Just those files are then laid out for componentize-py,
which imports them in the component and keeps the memory that results. So nothing of this machine's own
packages gets into it.

What componentize-py makes imports ``wasmhost:python`` in place of some of ``wasmhost:observer``, and is
wrapped in another component that makes one of the other; see the SDK's ``component/``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.toolchains.base import BuildError, Built, SourceRefused, find_program, run
from wasmhost.authoring.toolchains.python_words import without_frames_of_others
from wasmhost.authoring.toolchains.wrapping import WORLD, wrap, write_wit
from wasmhost.contract.hooks import HOOK_BY_NAME, interface_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.authoring.toolchains.base import Job

VERSION: Final = "0.25.1"
"""The componentize-py that this is written for; with it comes the component's Python, 3.14.

It never frees bytes that are handed to the host, so the SDK hands over texts. Version 0.17.2 and those before
it never free an event.
"""

_ENTRIES: Final = ("observer.py", "main.py", "__init__.py")
_ALWAYS: Final = frozenset(interface_id(name) for name in ("panic", "log", "delivery"))
_APP: Final = "wasmhost_app"
_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class _Described:
    """An author's module, imported from a folder: what describe.py of the SDK says of it.

    ``imports`` and ``exports``: the interfaces it uses, and those it has hooks of, by their full names.
    """

    folder: Path
    module: str
    hooks: tuple[str, ...]
    imports: tuple[str, ...]
    exports: tuple[str, ...]
    files: tuple[str, ...]


def build(job: Job) -> Built:
    """Make a component of an observer. The source is its module, or the folder it is in."""
    componentize = _find()
    described = _describe(job)
    with tempfile.TemporaryDirectory(prefix="wasmhost-") as made:
        stage = Path(made)
        _lay_out(stage, job.sdk, described)
        kept = job.cache / f"{_digest(stage)}.wasm"
        if not kept.is_file():
            _componentize(componentize, stage)
            _keep(stage / "out.wasm", kept)
        wrapped = wrap(job.sdk, kept.read_bytes(), described.imports, described.exports)
    job.out.write_bytes(wrapped)
    return Built(hooks=described.hooks)


def _find() -> list[str]:
    if find_spec("componentize_py") is not None:
        return [sys.executable, "-c", "from componentize_py import script; script()"]
    program = find_program("componentize-py")
    if program is None:
        raise BuildError("needs componentize-py: pip install 'wasmhost[python-guest]'")
    return [program]


def _describe(job: Job) -> _Described:
    folder, module = _entry(job.source)
    script = job.sdk / "wasmhost_observer" / "describe.py"
    if not script.is_file():
        raise BuildError(f"there is no SDK for Python in {job.relative(job.sdk)}")
    isolated = [sys.executable, "-I", "-S", "-B"]
    try:
        said = json.loads(run([*isolated, script, job.relative(folder), module], cwd=job.project))
    except BuildError as error:
        said = without_frames_of_others(error.output, project=job.project, sdk=job.sdk)
        raise BuildError(f"{module} cannot be imported", said) from None
    if not said["hooks"]:
        raise SourceRefused(
            f"{module} has no hooks: decorate its class with @observer, or functions with @hook"
        )
    return _Described(
        folder=folder,
        module=module,
        hooks=tuple(said["hooks"]),
        imports=tuple(sorted(_ALWAYS.union(said["imports"]))),
        exports=tuple(dict.fromkeys(interface_id(HOOK_BY_NAME[name].interface) for name in said["hooks"])),
        files=tuple(said["files"]),
    )


def _entry(source: Path) -> tuple[Path, str]:
    """The folder to import from, and the module's name. A folder with an ``__init__.py`` is a package."""
    if source.is_dir():
        name = next((name for name in _ENTRIES if (source / name).is_file()), None)
        if name is None:
            raise BuildError(f"{source.name} has no {_ENTRIES[0]}: name the observer's module as the source")
        source = source / name
    if source.name == "__init__.py":
        source = source.parent
    module = source.name.removesuffix(".py")
    if not module.isidentifier() or module == _APP:
        raise BuildError(f"{source.name} is no name that Python can import")
    return source.parent, module


def _lay_out(stage: Path, sdk: Path, described: _Described) -> None:
    """Write all that componentize-py is to see: the WIT, the SDK, the author's files, and what joins them."""
    write_wit(sdk, stage / "wit", described.imports, described.exports)
    packages = [(sdk, path.relative_to(sdk)) for path in (sdk / "wasmhost_observer").glob("*.py")]
    packages += [(described.folder, Path(name)) for name in described.files]
    for root, name in packages:
        target = stage / "app" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    lines = [
        f"import {described.module}",
        "from wasmhost_observer.component import exports",
        "globals().update(exports())",
        "",
    ]
    (stage / "app" / f"{_APP}.py").write_text("\n".join(lines), encoding="utf-8")


def _componentize(command: list[str], stage: Path) -> None:
    options = ["--wit-path", "wit", "--world", WORLD, "--quiet", "componentize", _APP]
    # It looks for packages where this says, and else wherever there is a Python: there is nothing here.
    environment = {"VIRTUAL_ENV": str(stage / "none")}
    try:
        run(
            [*command, *options, "--python-path", "app", "--stub-wasi", "--output", "out.wasm"],
            cwd=stage,
            environment=environment,
        )
    except BuildError as error:
        raise BuildError("componentize-py failed", error.output) from None


def _digest(stage: Path) -> str:
    """What the component follows from: every file, and the version that makes it of them."""
    digest = hashlib.sha256(VERSION.encode())
    for path in sorted(path for path in stage.rglob("*") if path.is_file()):
        for part in (path.relative_to(stage).as_posix().encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:32]


def _keep(made: Path, kept: Path) -> None:
    """Keep a component for the next build of the same, as making it takes long and comes out differently.

    Only the latest few are: each has 18 MB.
    """
    partial = kept.with_suffix(f".{made.parent.name}")
    shutil.copyfile(made, partial)
    partial.replace(kept)
    for old in _oldest(kept.parent.glob("*.wasm")):
        old.unlink(missing_ok=True)


def _oldest(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)[_KEPT:]
