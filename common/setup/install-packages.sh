#!/bin/sh
# Installs what building, running, drawing and testing need (packages.txt), and nothing that is there already. Asks for
# each thing itself, not for a package's name, so it is right on any distribution; only the installing is Debian's: on
# Fedora, Arch and their like it says the command.
#
# Exit 0: everything is there (no root was needed if it was there before). Exit 2: something is missing and can't be
# installed from here, or the compiler is too old; the line says what.
cd "$(dirname "$0")" || exit 1

compiler=${CXX:-g++} # may be two words: ccache g++
has_program() { command -v "$1" >/dev/null 2>&1; }
has_header() { printf '#include <%s>\n' "$1" | $compiler -std=c++20 -E -x c++ - >/dev/null 2>&1; }

# The kind of distribution, as it names itself and its relatives (os-release(5)): a column of the table.
release=${OS_RELEASE:-/etc/os-release}
kind=debian
if [ -r "$release" ]; then
  case " $(. "$release" && echo "$ID $ID_LIKE") " in
  *" debian "* | *" ubuntu "*) ;;
  *" fedora "* | *" rhel "*) kind=fedora ;;
  *" arch "*) kind=arch ;;
  esac
fi

# All modules must be there for one Python: one that is missing brings the packages of all.
modules_are_there() { ./find-python.sh $(sed -n 's/^[a-z]* *module:\([a-z]*\).*/\1/p' packages.txt) >/dev/null 2>&1; }
is_there() { # of the table: compiler:g++, header:zlib.h, module:rich
  case $1 in
  compiler:clang++) case $compiler in *clang*) has_program ${compiler%% *} ;; esac ;;
  compiler:*) case $compiler in *clang*) ;; *) has_program ${compiler%% *} ;; esac ;;
  header:*) has_header "${1#*:}" ;;
  module:*) [ "$modules" = there ] ;;
  esac
}

find_missing() {
  modules=missing
  ! modules_are_there || modules=there
  missing=
  wished=
  while read -r how what debian fedora arch; do
    case $how in '' | '#'*) continue ;; esac
    ! is_there "$what" || continue
    case $kind in fedora) package=$fedora ;; arch) package=$arch ;; *) package=$debian ;; esac
    if [ "$how" = needed ]; then missing="$missing $package"; else wished="$wished $package"; fi
  done <packages.txt
  missing=${missing# }
  wished=${wished# }
}

# C++20 as g++ 11 and clang 14 have it, whatever else is missing: no package mends that.
if has_program ${compiler%% *} && ! { has_header coroutine && has_header source_location; }; then
  echo "$compiler is too old, or has no library of C++ beside it: C++20 is needed (g++ 11, clang++ 14 or newer); name another one: make CXX=g++-12 build" >&2
  exit 2
fi

find_missing
[ -n "$missing$wished" ] || exit 0
case $kind in
fedora) elsewhere="sudo dnf install" ;;
arch) elsewhere="sudo pacman -S --needed" ;;
*) elsewhere= ;;
esac
if [ -n "$elsewhere" ]; then
  [ -n "$missing" ] || exit 0
  echo "missing: install it with '$elsewhere $missing${wished:+ $wished}', then run make again" >&2
  exit 2
fi
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

# Without recommended packages: matplotlib's would bring a desktop's worth.
install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; }
echo "installing: $missing $wished"
if ! $as_root apt-get update -q || ! install $missing; then
  [ -n "$missing" ] || exit 0
  echo "could not install: $missing. Install them as root, then run make again." >&2
  exit 2
fi
# For themselves: a package that this release hasn't got must not keep the others away.
[ -z "$wished" ] || install $wished || echo "could not install: $wished. Only one lab needs it." >&2
find_missing
if [ -n "$missing" ]; then
  echo "still missing after the installation: $missing" >&2
  exit 2
fi
