#!/usr/bin/env bash
# pair.sh: runs a server and a client, and shows what the client said, then what the server said.
#
# Usage: labs/02-sticky-packets/pair.sh 'SERVER COMMAND' 'CLIENT COMMAND'
#
# The client starts when the server has announced itself, and finds its port in $PORT; the server has to end by itself.
# It is what you would do in two terminals, in one. Exit status: the server's, or else the client's.
set -uo pipefail
if [ $# != 2 ]; then
  echo "pair.sh takes two commands, each as one word: 'SERVER' 'CLIENT'" >&2
  exit 2
fi

said=$(mktemp) || exit 1
trap 'rm -f "$said"; kill "$server" 2> /dev/null' EXIT
bash -c "exec $1" > "$said" 2>&1 &
server=$!
until grep -q '^listening on ' "$said"; do
  kill -0 "$server" 2> /dev/null || { cat "$said" >&2; wait "$server"; exit; }
  sleep 0.01
done
PORT=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$said")
export PORT

bash -c "$2" 2>&1 | sed -u 's/^/client | /'
client_status=$?
# A client that has failed may never have connected: then the server would wait for ever.
[ $client_status = 0 ] || { sleep 0.5; kill "$server" 2> /dev/null; }
wait "$server"
server_status=$?
sed -e '/^listening on /d' -e 's/^/server | /' "$said"
[ $server_status = 0 ] || exit $server_status
exit $client_status
