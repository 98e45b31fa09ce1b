"""What an account sees of photos besides their lists: how many there are, and the faces of one."""
