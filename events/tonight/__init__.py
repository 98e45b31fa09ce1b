"""The events that are on now, for the administrators' dashboard."""
