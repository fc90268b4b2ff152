"""The tables of the host's SQLite file, version by version: a file of an earlier one is brought up to date.

Numbers of 64 bits without a sign (seq, at, fuel_budget, lost) are stored by `to_signed`.
"""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 3

_VERSION_1: Final = """
CREATE TABLE panic_signature (
  signature TEXT PRIMARY KEY,
  observer TEXT NOT NULL,
  count INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX panic_signature_observer ON panic_signature (observer);
CREATE TABLE panic (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  signature TEXT NOT NULL REFERENCES panic_signature,
  observer TEXT NOT NULL,
  module_sha256 TEXT NOT NULL,
  hook TEXT NOT NULL,
  src TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,
  backtrace TEXT NOT NULL, -- a JSON array of strings
  fuel_budget INTEGER NOT NULL,
  event BLOB NOT NULL,
  lost INTEGER NOT NULL,
  wasmtime TEXT NOT NULL,
  happened_at INTEGER NOT NULL
);
CREATE INDEX panic_by_signature ON panic (signature, id);
CREATE TABLE state (
  observer TEXT PRIMARY KEY,
  blob BLOB NOT NULL,
  saved_at INTEGER NOT NULL
);
"""
_VERSION_2: Final = """
CREATE TABLE secret (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE usage (
  observer TEXT NOT NULL,
  module_sha256 TEXT NOT NULL,
  kind TEXT NOT NULL, -- hook, capability or field
  name TEXT NOT NULL,
  count INTEGER NOT NULL, -- of capabilities 1: that they were used
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (observer, module_sha256, kind, name)
) WITHOUT ROWID;
"""
# `outbox` holds what is to be sent: the newest has the highest id, and none is given twice. `due` has a bit
# for each sink that is to have it, 1 << sink.number; `done` is up to where a sink has confirmed. `panic_told`
# has how many panics of a signature have gone into the outbox.
_VERSION_3: Final = """
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  due INTEGER NOT NULL,
  size INTEGER NOT NULL,
  what TEXT NOT NULL, -- report or panic
  observer TEXT NOT NULL,
  topic TEXT NOT NULL, -- of a panic: its kind
  key TEXT NOT NULL, -- what receivers tell it by, whatever happens
  queued_at INTEGER NOT NULL,
  src TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL -- of a report: CBOR; of a panic: JSON
);
CREATE TABLE sink (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  dead_letter TEXT NOT NULL,
  done INTEGER NOT NULL,
  sent INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  invalid INTEGER NOT NULL DEFAULT 0,
  tries_failed INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '' -- why the last try failed; empty where it did not
);
CREATE TABLE panic_told (
  signature TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) WITHOUT ROWID;
"""
_VERSIONS: Final = (_VERSION_1, _VERSION_2, _VERSION_3)


def statements_since(version: int) -> list[str]:
    """Return what brings a file of this version up to date; of version 0, an empty file, all there is."""
    return [statement for text in _VERSIONS[version:] for statement in text.split(";\n") if statement.strip()]
