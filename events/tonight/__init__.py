"""The events that are on now, for whoever keeps an eye on the service."""
