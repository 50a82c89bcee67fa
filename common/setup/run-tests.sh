#!/bin/sh
# Usage: run-tests.sh BUILD
# Runs all tests against the programs in BUILD/bin and ends with one line that counts them. Called by `make test`.
build=$1
BIN=$build/bin
export BIN
python=$(common/setup/find-python.sh matplotlib rich) || exit 2

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0 status=0

# Runs a test program, shows its output as it comes, and keeps it for counting.
run() {
  echo "== $*"
  { "$@" 2>&1 || printf '\nexit %s\n' $?; } | tee "$log"
  last_line=$(tail -n 1 "$log")
  case $last_line in "exit "*) status=1 ;; esac
}
count() { sed -nE "s/.*$1.*/\\1/p" "$log" | tail -n 1; }

run "$build/test/common-tests"
cases=$(count 'test cases: *([0-9]+)')
failed=$(count 'test cases:.*\| *([0-9]+) failed')
if [ -z "$cases" ]; then
  echo "common-tests: no test ran"
  status=1 cases=0 failed=0
fi
passed=$((cases - failed))

for folder in common/harness common/guide labs plots; do
  run "$python" -m unittest discover -s $folder -t .
  ran=$(count 'Ran ([0-9]+) tests?')
  bad=$(($(count 'failures=([0-9]+)' | grep . || echo 0) + $(count 'errors=([0-9]+)' | grep . || echo 0)))
  left_out=$(count 'skipped=([0-9]+)' | grep . || echo 0)
  if [ -z "$ran" ]; then
    echo "$folder: no test ran"
    status=1 ran=0
  fi
  passed=$((passed + ran - bad - left_out)) failed=$((failed + bad)) skipped=$((skipped + left_out))
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || status=1
exit $status
