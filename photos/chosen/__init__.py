"""What guests do with several photos that they have chosen."""
