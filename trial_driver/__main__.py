"""``python -m trial_driver``."""

import sys

from trial_driver.main import main

sys.exit(main())
