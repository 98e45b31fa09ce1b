"""The service with cheap password hashes, for test servers at which people log in often."""

from main import app
from testkit.hashing import CHEAP, use_hashes

use_hashes(CHEAP)

__all__ = ["app"]
