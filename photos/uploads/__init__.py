"""Photos sent in parts: kept apart until they are complete and judged, resumed after any failure."""
