"""``python -m load_generator``."""

import sys

from load_generator.main import main

sys.exit(main())
