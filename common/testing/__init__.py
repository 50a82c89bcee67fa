"""What tests of both languages share."""
