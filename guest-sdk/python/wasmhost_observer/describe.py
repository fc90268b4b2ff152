"""What an observer is made of, asked of a plain Python before a component is made.

A build runs this as a script, isolated and without anybody's site-packages. Where its folder is, the
author's module is imported from; and then there is: the hooks it has, the interfaces it imports, and
the files that were read.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path


def describe(folder: Path, module: str) -> dict[str, list[str]]:
    """Import the author's module from a folder, and say what it has. Files are relative to the folder."""
    sdk = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(folder), str(sdk)]
    with redirect_stdout(sys.stderr):  # standard output is for the answer
        import_module(module)
    hooks = import_module("wasmhost_observer.hooks")
    raw = import_module("wasmhost_observer.raw")
    return {
        "hooks": [hook.name for hook in hooks.registered()],
        "imports": sorted(raw.used),
        "files": sorted(_files(folder, sdk / "wasmhost_observer")),
    }


def _files(folder: Path, ours: Path) -> set[str]:
    """The files of the author's modules that were loaded. The SDK may be in their folder, too."""
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    paths = {Path(name).resolve() for name in loaded if name}
    return {
        path.relative_to(folder).as_posix()
        for path in paths
        if path.is_relative_to(folder) and not path.is_relative_to(ours)
    }


if __name__ == "__main__":
    json.dump(describe(Path(sys.argv[1]).resolve(), sys.argv[2]), sys.stdout)
