#!/bin/sh
# Usage: check-types.sh BUILD
# Checks the types of all Python with mypy, set up by .mypy.ini. It takes no folder whose name an import statement could
# not say, as labs/02-sticky-packets: it is shown the tree through links with other names. Called by `make tidy`.
links=$1/types
rm -rf "$links" && mkdir -p "$links/labs" || exit 1
ln -s "$PWD/common" "$PWD/plots" "$PWD/.mypy.ini" "$links"
ln -s "$PWD"/labs/*.py "$links/labs"
for lab in labs/[0-9]*; do
  ln -s "$PWD/$lab" "$links/labs/lab_$(basename "$lab" | tr - _)"
done
cd "$links" && mypy --cache-dir ../mypy-cache common plots labs
