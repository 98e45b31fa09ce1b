"""What a provider would find for one guest in one event, without changing anything of what was found."""
