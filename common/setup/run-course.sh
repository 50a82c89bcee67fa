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
for experiment in byte-ribbon write-write-read head-of-line latency-vs-connections memory-vs-connections throughput-vs-connections; do
  resume=
  [ -z "$RESUME" ] || [ ! -d "results/$experiment" ] || resume=--resume
  "$bin/harness" sweep "$experiment" --profile "$profile" --seed "$seed" $resume || exit $?
done
"$python" -m plots || exit $?
"$python" -m common.guide summary || exit $?
exit $judged
