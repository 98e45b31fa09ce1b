"""Who may see which photo, in one place."""
