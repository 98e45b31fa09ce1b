"""Photos whose renditions and faces are to be made anew: planned, counted and cancelled."""
