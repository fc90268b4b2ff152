"""``python examples/python-node …``: see README.md."""

import sys

try:
    from pynode.cli import main
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed here; README.md, beside this file, says what is needed")

sys.exit(main())
