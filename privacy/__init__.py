"""Proof: what should not be there is looked for (`audit`), and erasures are repeated after a restore (`reapply`)."""
