"""The tests of the labs' programs (unittest finds them only in a package)."""
