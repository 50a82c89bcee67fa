#!/bin/sh
# Usage: run-course.sh BIN PROFILE SEED
# Runs what the labs measure, draws the charts, and says where they are. Called by `make course`.
bin=$1 profile=$2 seed=$3
case $profile in quick | full) ;; *)
  echo "PROFILE takes quick or full, not '$profile'" >&2
  exit 2
  ;;
esac
python=$(common/setup/find-python.sh matplotlib rich) || exit 2
# An unexpected finding is worth seeing, but no reason to withhold the measurements: its exit code comes last.
"$bin/harness" check --save results/behaviours.json
judged=$?
[ $judged -le 1 ] || exit $judged
# With RESUME=1, what an interrupted course has begun goes on, and what it had not reached begins.
for experiment in byte-ribbon write-write-read slow-reader head-of-line latency-vs-connections memory-vs-connections throughput-vs-connections work-per-request system-calls; do
  resume=
  [ -z "$RESUME" ] || [ ! -d "results/$experiment" ] || resume=--resume
  "$bin/harness" sweep "$experiment" --profile "$profile" --seed "$seed" $resume
  code=$? # 1: a run lost clients, or was not possible: the others are worth drawing
  [ $code -le 1 ] || exit $code
  [ $code = 0 ] || judged=1
done
# Lab 11: each says whether it is as described; 77: this machine lacks something for it, and it said what.
for demonstration in close-unsent close-unread half-close linger-zero send-after-end poll-masks buffer-sizes at-most-once \
  exactly-once vanishing-peer; do
  if "$bin/$demonstration" >"results/$demonstration.txt"; then
    echo "$demonstration: as described"
  else
    ended=$?
    [ $ended = 77 ] || judged=1
    tail -n 1 "results/$demonstration.txt"
  fi
done
"$python" -m plots || exit $?
"$python" -m common.guide summary || exit $?
exit $judged
