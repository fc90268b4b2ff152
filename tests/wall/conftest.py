"""One zygote for the tests of the wall that do not hurt it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wasmhost.wall.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """A zygote, with its first child not made yet."""
    with Zygote() as made:
        yield made
