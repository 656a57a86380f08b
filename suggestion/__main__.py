"""``python -m suggestion``."""

import sys

from suggestion.server import main

sys.exit(main())
