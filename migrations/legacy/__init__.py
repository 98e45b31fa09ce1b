"""Moving in from the predecessor: its tables read, its pictures stored, nothing of it changed."""
