from __future__ import annotations

import os

# These need an image, which run.sh builds. The tests of the files that describe the connector always run.
collect_ignore = [] if "TEST_IMAGE" in os.environ else ["test_image.py"]
