"""The change of events to another face engine, after the settings name one."""
