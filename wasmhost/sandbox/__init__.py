"""Everything that touches the engine: compile, check, instantiate, deliver, trap, discard."""
