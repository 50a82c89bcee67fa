#!/bin/sh
# Installs what building, running, drawing and testing need, and nothing that is there already. Asks for each thing itself,
# not for a package's name, so it is right on any distribution; only the installing is Debian's.
#
# Exit 0: everything is there (no root was needed if it was there before). Exit 2: something is missing and can't be
# installed from here; the line says what.
cd "$(dirname "$0")" || exit 1

compiler=${CXX:-g++}
case $compiler in *clang*) compiler_package=clang ;; *) compiler_package=g++ ;; esac
has_program() { command -v "$1" >/dev/null 2>&1; }
has_header() { printf '#include <%s>\n' "$1" | "$compiler" -std=c++20 -E -x c++ - >/dev/null 2>&1; }

find_missing() {
  missing=
  has_program "$compiler" || missing="$missing $compiler_package"
  has_header fmt/format.h || missing="$missing libfmt-dev"
  has_header doctest/doctest.h || missing="$missing doctest-dev"
  has_header CLI/CLI.hpp || missing="$missing libcli11-dev"
  has_header nlohmann/json.hpp || missing="$missing nlohmann-json3-dev"
  has_header zlib.h || missing="$missing zlib1g-dev"
  ./find-python.sh matplotlib rich pytest xdist >/dev/null 2>&1 ||
    missing="$missing python3 python3-matplotlib python3-rich python3-pytest python3-pytest-xdist"
  missing=${missing# }
  # What one lab uses and the others don't need: installed along where that can be done, never asked for.
  wished=
  has_header liburing.h || wished=liburing-dev
}

find_missing
[ -n "$missing$wished" ] || exit 0
if [ -z "$missing" ]; then
  [ "$(id -u)" = 0 ] && apt-cache policy $wished 2>/dev/null | grep -q 'Candidate: [0-9]' || exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
  if has_program sudo; then
    as_root=sudo
  else
    as_root=none
  fi
fi
if ! has_program apt-get || [ "$as_root" = none ]; then
  echo "missing: $missing (Debian's names of the packages). Install them as root, then run make again." >&2
  exit 2
fi

echo "installing: $missing $wished"
# Without recommended packages: matplotlib's would bring a desktop's worth.
if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends $missing $wished; }; then
  [ -n "$missing" ] || exit 0
  echo "could not install: $missing. Install them as root, then run make again." >&2
  exit 2
fi
find_missing
if [ -n "$missing" ]; then
  echo "still missing after the installation: $missing" >&2
  exit 2
fi
