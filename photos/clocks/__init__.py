"""The clocks of cameras: when photos were taken, and by how much a camera's photos are shifted."""
