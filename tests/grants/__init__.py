"""Tests of what observers are given: `wasmhost.grants`."""
