"""``python -m metrics_collector``."""

import sys

from metrics_collector.main import main

sys.exit(main())
