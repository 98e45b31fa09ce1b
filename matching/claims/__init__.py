"""From candidates to matches: guests who may be the same face are compared, and the nearest gets it."""
