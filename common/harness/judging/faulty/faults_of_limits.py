"""Faults in what a server takes of its machine: addresses, descriptors, processes, time. Each class changes one step of the right server."""

import os
import socket
import sys
import time

from common.harness.judging.faulty.event_loop import EchoServer


class ListensOnAllAddresses(EchoServer):
    """Stands for the default of many libraries: an exercise that the whole network can reach."""

    def listen(self, port):
        return socket.create_server(("0.0.0.0", port), backlog=socket.SOMAXCONN)

    def announce(self):
        print("listening on 127.0.0.1:%d" % self.listener.getsockname()[1], flush=True)


class BindsWithoutReuse(EchoServer):
    """Stands for a bind without SO_REUSEADDR: after a restart the port is taken by its own old connections."""

    def listen(self, port):
        listener = socket.socket()
        listener.bind(("127.0.0.1", port))
        listener.listen(socket.SOMAXCONN)
        return listener


class DiesWithoutDescriptors(EchoServer):
    """Stands for an accept whose failure is taken for the end."""

    def refuse_one(self):
        sys.exit("accept: too many open files")


class SpinsWithoutDescriptors(EchoServer):
    """Stands for passing over an accept that failed: the client still waits, and is reported again and again."""

    def refuse_one(self):
        return False


class NeverListensAgain(EchoServer):
    """Stands for a listener that is no longer watched after accept failed, and that nobody watches again."""

    def refuse_one(self):
        self.selector.unregister(self.listener)
        return False


class StopsAtAThousand(EchoServer):
    """Stands for a limit that was set once, for a smaller world."""

    def admit(self, client):
        if len(self.connections) < 1000:
            super().admit(client)
        else:
            client.close()


class NeverRests(EchoServer):
    """Stands for a loop that looks again and again instead of waiting: two fifths of a core, all the time."""

    def wait(self):
        ready = self.selector.select(0.006)
        until = time.process_time() + 0.004
        while not ready and time.process_time() < until:
            pass
        return ready


class LeavesZombies(EchoServer):
    """Stands for a fork without a wait. Not for the first clients: the check of the end has 10, and must not find
    orphaned zombies, which it takes for children that still run."""

    def admit(self, client):
        super().admit(client)
        if 15 < len(self.connections) <= 20 and os.fork() == 0:
            os._exit(0)


FAULTS = {
    "binds-without-reuse": BindsWithoutReuse,
    "dies-without-descriptors": DiesWithoutDescriptors,
    "leaves-zombies": LeavesZombies,
    "listens-on-all-addresses": ListensOnAllAddresses,
    "never-listens-again": NeverListensAgain,
    "never-rests": NeverRests,
    "spins-without-descriptors": SpinsWithoutDescriptors,
    "stops-at-a-thousand": StopsAtAThousand,
}
