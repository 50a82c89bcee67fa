#!/bin/sh
# Usage: describe-build.sh FILE COMPILER FLAGS SANITIZE
# Writes how the programs beside FILE are built, for the harness to put into every record. Leaves FILE untouched
# when nothing changed. `source` is where it was built, for what the harness has in Python; no record holds it. `measurable` says whether timings of such a build mean anything.
file=$1 compiler=$2 flags=$3 sanitize=$4
commit=$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
version=$("$compiler" --version 2>/dev/null | head -n 1 | tr -d '"\\')
measurable=true
[ -z "$sanitize" ] || measurable=false
case " $flags " in
  *" -O0 "* | *" -Og "* | *" -fsanitize="*) measurable=false ;;
  *" -O"*) ;;
  *) measurable=false ;;
esac

source=$(pwd | sed 's/[\"]/\\&/g')
new=$(printf '{\n  "compiler": "%s",\n  "flags": "%s",\n  "sanitize": "%s",\n  "commit": "%s",\n  "source": "%s",\n  "measurable": %s\n}' \
  "$version" "$flags" "$sanitize" "$commit" "$source" "$measurable")
[ "$new" = "$(cat "$file" 2>/dev/null)" ] && exit 0
mkdir -p "$(dirname "$file")"
printf '%s\n' "$new" >"$file.new" && mv "$file.new" "$file"
