"""Run:  python3 -m common.guide COMMAND   (commands.py)"""

import sys

from .packages import advice

if __name__ == "__main__":
    lacking = advice()
    if lacking:
        print(lacking, file=sys.stderr)
        sys.exit(2)
    from .commands import main  # now that its packages are known to be there

    sys.exit(main())
