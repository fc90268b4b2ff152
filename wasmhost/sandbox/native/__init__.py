"""The one room with raw pointers: every ctypes call of wasmhost is in this folder.

Each native thing has one owner here, and no pointer leaves: a `Cell` owns a store, its instances and
the view of their box; `take_trap` consumes a trap or an error; an `EpochTimer` owns a POSIX timer.

Why not the public wrapper: it converts and checks per argument, some fifty times the price of the
call itself (`wasmhost bench` measures both). Names are those of wasmtime's C API in the version that
``pyproject.toml`` pins; read both when either moves.
"""
