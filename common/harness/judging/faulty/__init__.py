"""Servers with one fault each: what `harness check` has to say no to. faults.csv holds the right answers."""
