"""What the labs share, one room a concern."""
