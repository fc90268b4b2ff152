"""Where what comes with wasmhost is: the SDKs, the contract in WIT, the templates.

An installed package carries the SDKs and `wit/` inside of itself; in a checkout they are in its root.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from wasmhost.errors import UserError

_PACKAGE: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGE.parents[1]
_TEMPLATES: Final = _PACKAGE / "templates"

LEFT_OVER: Final = frozenset(
    {
        "target",
        "node_modules",
        "build",
        "dist",
        "zig-out",
        ".zig-cache",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        "Cargo.lock",
    }
)
"""Names of what tools leave behind: none of it is copied."""
_OURS: Final = {"rust": frozenset({"Cargo.toml"})}
_TESTS: Final = frozenset({"tests", "test"})
_TEST_SUFFIX: Final = "_test.go"


def sdk_folder(language: str) -> Path | None:
    """The SDK of a language; None for one that has none."""
    return _first(_PACKAGE / "sdk" / language, _CHECKOUT / "guest-sdk" / language)


def copy_sdk(language: str, folder: Path) -> bool:
    """Copy the SDK of a language, less what is for its own makers; False where it has none."""
    source = sdk_folder(language)
    if source is None:
        return False

    def left_out(parent: str, names: list[str]) -> set[str]:
        ours = _OURS.get(language, frozenset()) | _TESTS if Path(parent) == source else frozenset[str]()
        return {name for name in names if name in LEFT_OVER | ours or name.endswith(_TEST_SUFFIX)}

    shutil.copytree(source, folder, ignore=left_out)
    return True


def wit_folder() -> Path:
    """The contract in WIT.

    :raises UserError: it is not there: the installation is not whole.
    """
    return _there(_first(_PACKAGE / "wit", _CHECKOUT / "wit"), "wit")


def template_folder(language: str) -> Path:
    """What a new project of a language begins as.

    :raises UserError: it is not there: the installation is not whole.
    """
    return _there(_first(_TEMPLATES / language), f"templates/{language}")


def common_folder() -> Path:
    """What a new project of any language begins with."""
    return _there(_first(_TEMPLATES / "common"), "templates/common")


def _first(*folders: Path) -> Path | None:
    return next((folder for folder in folders if folder.is_dir()), None)


def _there(folder: Path | None, what: str) -> Path:
    if folder is None:
        raise UserError(f"this installation of wasmhost has no {what}: install it anew")
    return folder
