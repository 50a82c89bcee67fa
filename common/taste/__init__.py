"""The first two minutes of the course."""
