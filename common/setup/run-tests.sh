#!/bin/sh
# Usage: run-tests.sh BUILD
# Runs all tests against the programs in BUILD/bin and ends with one line that counts them. Called by `make test`.
build=$1
BIN=$build/bin
export BIN
python=$(common/setup/find-python.sh matplotlib rich) || exit 2

logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0 skipped=0 status=0

# Runs a test program into the log of that name.
run() {
  log=$logs/$1
  shift
  { echo "== $*" && "$@" 2>&1 || printf '\nexit %s\n' $?; } >"$log"
}
# Ends well even if tests fail: the log tells.
suite() { run "$(echo "$1" | tr / -)" "$python" -m unittest discover -s "$1" -t .; }

# The last number that a pattern finds in a log, or else $3.
number() { sed -nE "s/.*$1.*/\1/p" "$logs/$2" | tail -n 1 | grep . || echo "$3"; }
# Shows a log and counts what is in it.
add_up() {
  cat "$logs/$1"
  case $(tail -n 1 "$logs/$1") in "exit "*) status=1 ;; esac
  if [ "$1" = common-tests ]; then
    ran=$(number 'test cases: *([0-9]+)' "$1" 0)
    bad=$(number 'test cases:.*\| *([0-9]+) failed' "$1" 0) left_out=0
  else
    ran=$(number 'Ran ([0-9]+) tests?' "$1" 0)
    bad=$(($(number 'failures=([0-9]+)' "$1" 0) + $(number 'errors=([0-9]+)' "$1" 0)))
    left_out=$(number 'skipped=([0-9]+)' "$1" 0)
  fi
  if [ "$ran" = 0 ]; then
    echo "$1: no test ran"
    status=1
  fi
  passed=$((passed + ran - bad - left_out)) failed=$((failed + bad)) skipped=$((skipped + left_out))
}

run common-tests "$build/test/common-tests"
add_up common-tests
# Two at a time: most of them wait for what they have started.
(suite common/harness && suite common/guide) &
suite labs
suite plots
wait
for log in common-harness common-guide plots labs; do add_up $log; done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || status=1
exit $status
