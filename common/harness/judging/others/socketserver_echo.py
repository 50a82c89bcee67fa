"""An echo of Python's socketserver, as its documentation teaches it: `socketserver_echo.py threads|processes PORT`."""

import socketserver
import sys

SERVERS = {"threads": socketserver.ThreadingTCPServer, "processes": socketserver.ForkingTCPServer}


class Echo(socketserver.BaseRequestHandler):
    """One client; its connection is closed when handle returns."""

    def handle(self):
        """Receives and sends until the client ends."""
        while data := self.request.recv(65536):
            self.request.sendall(data)


if __name__ == "__main__":
    with SERVERS[sys.argv[1]](("127.0.0.1", int(sys.argv[2])), Echo) as server:
        server.serve_forever()
