"""``python examples/python-node …``: see README.md."""

import sys

from pynode.cli import main

sys.exit(main())
