"""What searches with portraits have found at Azure."""
