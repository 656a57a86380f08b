"""``python -m meta_training``."""

import sys

from meta_training.main import main

sys.exit(main())
