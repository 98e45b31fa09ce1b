"""The sections of an event: parts such as "Ceremony" that begin at a time, under which its photos are shown."""
