"""`python -m kevre.collect`: the same as `kevre-collect`."""

import sys

from kevre.collect.cli import main

sys.exit(main())
