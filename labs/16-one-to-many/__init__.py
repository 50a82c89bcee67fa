"""The tests of this lab."""
