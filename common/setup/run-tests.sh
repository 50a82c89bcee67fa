#!/bin/sh
# Usage: run-tests.sh BUILD [WORD]
# Runs all tests, or those whose name or file has WORD, against the programs in BUILD/bin. What happened stands in
# BUILD/test/*.xml (JUnit's format); the last line counts it. Called by `make test`.
build=$1 word=$2
BIN=$build/bin
export BIN
python=$(common/setup/find-python.sh matplotlib rich pytest xdist) || exit 2
results=$build/test
rm -f "$results"/*.xml

cpp() {
  name=$1
  shift
  "$results/common-tests" --reporters=junit --out="$results/$name.xml" "$@"
}
echo "== C++"
# doctest wants a test to match all filters: those with the word in their name, then those with it in their file's only.
if [ -n "$word" ]; then
  cpp cpp --test-case="*$word*"
  cpp cpp-files --source-file="*$word*" --test-case-exclude="*$word*"
else
  cpp cpp
fi

echo "== Python"
# Four at a time, since most of them wait for what they have started; those of one xdist_group one after the other.
set -- -q -n 4 --dist loadgroup --junitxml="$results/python.xml"
# A name of Python has _ where one of C++ has a space.
[ -z "$word" ] || set -- "$@" -k "$(echo "$word" | tr ' ' _)"
# CI: a failure's line in the summary at the end tells what differed, however wide that is.
CI=yes "$python" -m pytest "$@"
ended=$?
# 0: all passed. 1: some failed, which its XML says. 5: none has the word.
[ $ended = 5 ] || [ $ended -le 1 ] || exit $ended

"$python" -m common.testing.count "$results"/*.xml
