"""``python -m wasmhost``, the same as ``wasmhost``."""

from wasmhost.cli import main

if __name__ == "__main__":
    main()
