#!/bin/sh
# Usage: SERVER="COMMAND…" run-own.sh BIN PROFILE SEED [RESULTS [EXPERIMENT…]]
# Judges, measures and draws any server beside two of ours. Called by `make own`; lab 15 says what a server has to do.
# Exit 0: judged (whatever the answers), measured and drawn. Exit 1: not all of it was possible. Exit 2: a bad SERVER=.
bin=$1 profile=$2 seed=$3 results=${4:-results/own}
experiments="head-of-line latency-vs-connections memory-vs-connections throughput-vs-connections"
if [ $# -gt 4 ]; then
  shift 4
  experiments=$*
fi
ours="epoll thread-per-connection"

say() { echo "own: $1" >&2; }
refuse() {
  say "$1"
  exit 2
}

case $SERVER in *[![:space:]]*) ;; *)
  refuse "SERVER= takes the command that starts your server: make own SERVER=\"python3 my-server.py {port}\""
  ;;
esac
# Words and quotes as in a shell; but xargs expands nothing and runs nothing of it.
words=$(printf '%s\n' "$SERVER" | xargs printf '%s\n' 2>/dev/null) || refuse "SERVER= has a quote without its end: $SERVER"
set --
while IFS= read -r word; do set -- "$@" "$word"; done <<END
$words
END
command -v "$1" >/dev/null || refuse "SERVER= begins with '$1', and there is no such program"
case $profile in quick | full) ;; *) refuse "PROFILE takes quick or full, not '$profile'" ;; esac
python=$(common/setup/find-python.sh matplotlib) || exit 2

# A single client first: a command that is no server is said once and at once. Who answers wrongly is for `check`.
said=$("$bin/harness" load --connections 1 --active 1 --warm-up 0 --duration 0.05 --results "$results" -- "$@" 2>&1)
code=$?
if [ $code -gt 2 ]; then
  echo "$said" >&2
  exit $code
fi
case $said in
  *"announced"*) refuse "${said#harness: } (or give {port} a place in SERVER=, for the port)" ;;
  "harness: "*) refuse "${said#harness: }" ;;
esac

complete=yes
rm -rf "$results/behaviours.json" "$results/charts"
"$bin/harness" check --save "$results/behaviours.json" -- "$@"
code=$?
[ $code -le 1 ] || exit $code
if [ ! -e "$results/behaviours.json" ]; then
  say "it could not be judged to the end; measuring goes on"
  complete=no
fi

sweep() { "$bin/harness" sweep "$experiment" --profile "$profile" --seed "$seed" --results "$results" "$@"; }
for experiment in $experiments; do
  sweep $ours -- "$@"
  code=$?
  if [ $code = 1 ]; then
    say "$experiment: your server could not be measured everywhere; the chart shows what there is of it, and ours"
    complete=no
    sweep --resume $ours
    code=$?
  fi
  [ $code = 0 ] || exit $code
done

drawn=$("$python" -m plots --results "$results") || exit 1
printf '%s\n' "$drawn" | grep -v ': skipped,'
echo "your server beside $(echo "$ours" | sed 's/ / and /'): the matrix in $results/behaviours.json, the charts in $results/charts/"
[ $complete = yes ]
