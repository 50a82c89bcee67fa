"""The command line that the faulty programs in Python have in common."""

import argparse


def faulty_options(description, faults):
    """A parser of --port and --fault. `faults`: the names that --fault takes, "none" among them."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--fault", choices=sorted(faults), default="none", help="what is wrong with it")
    return options
