"""The end of an event's faces and photos: announced, carried out in steps that survive a crash, and receipted."""
