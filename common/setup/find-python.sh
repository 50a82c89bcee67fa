#!/bin/sh
# Prints the path of a Python that can import the modules named as arguments. The first python3 on PATH may be one
# of a version manager, without the distribution's packages. $PYTHON, if set, is tried first.
for candidate in "$PYTHON" python3 /usr/bin/python3; do
  [ -n "$candidate" ] || continue
  path=$(command -v "$candidate") || continue
  modules=$(echo "$*" | tr ' ' ',')
  if "$path" -c "import $modules" 2>/dev/null; then
    echo "$path"
    exit 0
  fi
done
echo "no Python 3 with $* was found: 'make deps' installs it, or PYTHON=/path/to/python3 names one" >&2
exit 1
