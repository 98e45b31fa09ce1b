"""SQL about data that has a date on which it goes."""
