"""The tests of the harness, and the servers in Python that they need."""
