"""An echo server that keeps the server contract, and breaks it in one chosen way when asked to.

Run:       build/bin/harness check -- python3 -m common.harness.judging.faulty_server --port {port} --fault flips-a-byte
Look for:  a no where faulty/faults.csv says so, and yes to everything else.

The negative control of `harness check`: a check that never says no proves nothing. One thread, one selector;
every fault is a small class in the folder faulty/ that changes one step of the right server.
"""

from common.harness.judging.faulty import faults_of_bytes, faults_of_ends, faults_of_limits
from common.harness.judging.faulty.event_loop import EchoServer
from common.harness.judging.faulty.options import faulty_options

SERVERS = {
    "none": EchoServer,
    **faults_of_bytes.FAULTS,
    **faults_of_ends.FAULTS,
    **faults_of_limits.FAULTS,
}

if __name__ == "__main__":
    chosen = faulty_options("An echo server with one fault, or none.", SERVERS).parse_args()
    SERVERS[chosen.fault](chosen.port).run()
