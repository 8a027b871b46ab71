"""The node's settings, in a home of its own for each process that runs tests."""

import os
import tempfile

os.environ["KEVRE_HOME"] = tempfile.mkdtemp(prefix="kevre-test-")
os.environ.setdefault("KEVRE_SECRET_KEY", "only-for-tests")

from kevre.node.settings import *  # noqa: F403 - once the home is set
from kevre.web.catalogue import compile_catalogues

# Before Django reads its words for the first time, as set-up does it.
compile_catalogues()
