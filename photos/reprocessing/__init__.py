"""Photos whose renditions and faces are to be made again: planned, counted and cancelled."""
