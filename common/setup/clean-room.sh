#!/bin/bash
# Usage: clean-room.sh BUILD [POOR]
# README's two commands in a bare Debian 12 tree that is made for it (mmdebstrap: nothing but the base system, make and
# git): `make course` as root, then `make test` as a user who is not. With POOR as on a poor machine: without liburing,
# with a hard limit of 1024 descriptors and one core; both commands as a user without root, after `make deps`. Prints the
# seconds of each milestone; they, the tests' results and all that was said are left in BUILD/clean-room/. What the
# tree's apt asks is what this machine's asks. Called by `make clean-room`; needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$(id -u)" = 0 ] || { echo "clean-room: needs root, for the bare tree and its mounts" >&2; exit 2; }
command -v mmdebstrap >/dev/null || { echo "clean-room: needs mmdebstrap: apt-get install mmdebstrap" >&2; exit 2; }

# With mounts of its own everything below is unmounted when it ends, however that is.
if [ -z "${IN_CLEAN_ROOM:-}" ]; then
  tree=$(mktemp -d)
  trap 'rm -rf --one-file-system "$tree"' EXIT
  chmod 755 "$tree"
  IN_CLEAN_ROOM=$tree unshare --mount --propagation private "$0" "$@"
  exit
fi
tree=$IN_CLEAN_ROOM
poor=${2:-}
told=$1/clean-room
mkdir -p "$told"
rm -f "$told"/*

begin=$SECONDS
milestones=
reached() {
  milestones+="$1,$((SECONDS - begin))"$'\n'
  printf 'clean-room: %s after %d s\n' "$1" $((SECONDS - begin))
}

sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do [ ! -s "$file" ] || sources+=("$file"); done
mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates bookworm "$tree" "${sources[@]}"
cp -rL /etc/apt/apt.conf.d "$tree/etc/apt/"
cp -L /etc/resolv.conf "$tree/etc/" 2>/dev/null || true
for folder in proc sys dev; do mount --rbind "/$folder" "$tree/$folder"; done
mount -t tmpfs tmpfs "$tree/dev/shm" 2>/dev/null || true
chroot "$tree" useradd --create-home learner
git clone -q --no-hardlinks . "$tree/home/learner/lab"
chroot "$tree" chown -R learner /home/learner/lab
chroot "$tree" git config --system --add safe.directory /home/learner/lab
printf 'clean-room: the bare tree stands after %d s; now `make course`\n' $((SECONDS - begin))
begin=$SECONDS

# A clean environment: what this machine's has set up is not in a learner's.
inside() { chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home/learner TERM=dumb "$@"; }
as_learner() { inside ${poor:+prlimit --nofile=1024:1024 taskset --cpu-list 0} su learner -c "make -C /home/learner/lab $1"; }
course() { if [ -n "$poor" ]; then as_learner course; else inside make -C /home/learner/lab course; fi; }

if [ -n "$poor" ]; then
  printf 'Package: liburing-dev\nPin: release *\nPin-Priority: -1\n' >"$tree/etc/apt/preferences.d/poor"
  inside make -C /home/learner/lab deps >"$told/deps.log" 2>&1 || { tail -n 20 "$told/deps.log"; exit 1; }
  chroot "$tree" chown -R learner /home/learner/lab
fi

# What it prints tells how far it is.
while IFS= read -r line; do
  case $line in
  "compile "*) [ -n "${installed:-}" ] || reached "${installed:=installed}" ;;
  "the quick course:"*) reached built ;;
  *.png) [ -n "${first:-}" ] || reached "${first:=first picture}" ;;
  esac
  printf '%s\n' "$line" >>"$told/course.log"
done < <(course 2>&1 && echo "all is well")
tail -n 1 "$told/course.log" | grep -qx 'all is well' || { tail -n 40 "$told/course.log"; exit 1; }
reached "all pictures"
ls "$tree/home/learner/lab/results/charts" >"$told/charts"

chroot "$tree" chown -R learner /home/learner/lab
ended=0
as_learner test >"$told/test.log" 2>&1 || ended=$?
cp "$tree"/home/learner/lab/build/test/*.xml "$told/" || true
[ $ended = 0 ] || { tail -n 60 "$told/test.log"; exit 1; }
reached tests
printf 'milestone,seconds\n%s' "$milestones" >"$told/milestones.csv"
tail -n 1 "$told/test.log"
