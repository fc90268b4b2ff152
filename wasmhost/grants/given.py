"""Decides what an observer is given: what it asks for and is granted, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.contract.manifest import FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection

    from wasmhost.contract.manifest import Manifest


def given_fields(manifest: Manifest | None, grant: Collection[str]) -> frozenset[str]:
    """Return the fields of events that an observer is given undisguised.

    A module without a manifest cannot ask, so it is given all that is granted.
    """
    asked = FIELDS if manifest is None else manifest.fields
    return frozenset(asked).intersection(FIELDS).intersection(grant)
