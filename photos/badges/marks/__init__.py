"""The marks that pictures of badges leave, and the series between them."""
