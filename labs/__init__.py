"""The tests of the labs' programs."""
