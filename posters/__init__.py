"""Posters and table cards of an event: laid out once, drawn as a PDF for a print shop and as an SVG for a page."""
