"""What is built around a runtime's component: Python's room, where texts become bytes."""

from __future__ import annotations

from typing import Any

import pytest
from wasmtime import Engine, Func, Instance, Memory, Module, Store, Trap, wat2wasm

from wasmhost.authoring.resources import sdk_folder
from wasmhost.sandbox.sections import core_modules


class Room:
    """The core module of guest-sdk/python/component/room.wat, called as the fragments beside it do."""

    def __init__(self) -> None:
        folder = sdk_folder("python")
        assert folder is not None
        text = (folder / "component" / "room.wat").read_text("utf-8")
        (module,) = core_modules(bytes(wat2wasm(f"(component {text})")))
        self._store = Store(Engine())
        instance = Instance(self._store, Module(self._store.engine, module), [])
        self._exports = instance.exports(self._store)

    def call(self, name: str, *arguments: int) -> Any:
        """Call one of its functions."""
        function = self._exports[name]
        assert isinstance(function, Func)
        return function(self._store, *arguments)

    @property
    def memory(self) -> Memory:
        """Its memory."""
        memory = self._exports["memory"]
        assert isinstance(memory, Memory)
        return memory

    def put(self, text: str) -> tuple[int, int]:
        """Hand a text over; gives where it is, and its size."""
        data = text.encode()
        place = self.call("realloc", 0, 0, 1, len(data))
        self.memory.write(self._store, data, place)
        return place, len(data)

    def narrowed(self, text: str) -> bytes:
        """Hand a text over, and give the bytes that it becomes."""
        place, size = self.put(text)
        size = self.call("narrow", place, size)
        return bytes(self.memory.read(self._store, place, place + size))

    def pages(self) -> int:
        """How large its memory is."""
        return self.memory.size(self._store)


@pytest.mark.parametrize("data", [b"", b"a", b"\xff", bytes(range(256)) * 300])
def test_a_text_becomes_the_bytes_it_stands_for(data: bytes) -> None:
    """One for each character, and another text before it stays as it is."""
    room = Room()
    place, size = room.put("töpic 🛰")
    assert room.narrowed(data.decode("latin-1")) == data
    assert room.memory.read(room._store, place, place + size).decode() == "töpic 🛰"


@pytest.mark.parametrize("text", ["Ā", "a€", "🛰"])
def test_a_character_that_is_no_byte_is_refused(text: str) -> None:
    """The SDK writes none."""
    with pytest.raises(Trap, match="unreachable"):
        Room().narrowed(text)


def test_a_room_grows_to_the_largest_call_only() -> None:
    """The next one has all of it again, once the one before has left."""
    room = Room()
    for _ in range(10):
        assert room.put("x" * 100_000)[0] == 0
        assert room.put("y" * 100_000)[0] == 100_000
        room.call("leave")
    assert room.pages() == 4
