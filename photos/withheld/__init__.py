"""Photos that guests do not see: at a guest's request, hidden by staff, or not approved yet."""
