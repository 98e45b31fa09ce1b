"""Face engines: they know pictures and embeddings, and neither the database nor HTTP."""

import sys

# OpenVINO reports each import to a web analytics service through this package, and keeps an identifier in the home
# folder. Where the package cannot be imported, it does neither.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
