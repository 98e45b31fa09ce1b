"""Photos that were deleted, and can be had back for some days."""
