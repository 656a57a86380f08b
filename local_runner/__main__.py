"""``python -m local_runner``."""

import sys

from local_runner.main import main

sys.exit(main())
