"""Photos as their photographers and admins list them."""
