"""first-client says that the server has gone: whatever it waits for, and how much of a reply had come."""

import time
import unittest

from common.testing.conversation import receive, reset
from common.testing.processes import read_line, wait_until

from .running import (
    BEYOND_ALL_BUFFERS,
    Client,
    OwnServer,
    TracedServer,
    state,
    unread,
    without_strace,
)

ENDED, RESET = "recv returned 0: the end", "recv: Connection reset by peer"


def gone(how, standing):
    return 1, f"first-client: the server has gone ({how}); {standing}\n"


def is_held(process):
    """Stopped by a tracer, and not only for the moment that every call takes."""
    for _ in range(10):
        if state(process) != "t":
            return False
        time.sleep(0.002)
    return True


class ServerGone(unittest.TestCase):
    """The test is the server; the client's input stays open, so that nothing but the server's end can end it."""

    def setUp(self):
        server = self.enterContext(OwnServer())
        self.client = self.enterContext(Client(server.port))
        self.server = self.enterContext(server.accept())

    def test_while_it_waits_for_the_keyboard(self):
        self.client.type(b"hello\n")
        self.assertEqual(receive(self.server, 6), b"hello\n")
        self.server.sendall(b"hello\n")
        self.assertEqual(read_line(self.client.process.stdout), b"hello\n")
        self.server.close()
        self.assertEqual(self.client.ended(), gone(ENDED, "no reply was due"))

    def test_reset_while_it_waits_for_the_keyboard(self):
        reset(self.server)
        self.assertEqual(self.client.ended(), gone(RESET, "no reply was due"))

    def test_in_a_half_typed_line(self):
        self.client.type(b"half")
        self.assertTrue(self.client.has_read_all())
        self.server.close()
        expected = gone(ENDED, "no reply was due, an unfinished line of 4 bytes was not sent")
        self.assertEqual(self.client.ended(), expected)

    def half_reply(self):
        self.client.type(b"hello\n")
        self.assertEqual(receive(self.server, 6), b"hello\n")
        self.server.sendall(b"hel")

    def test_in_the_middle_of_a_reply(self):
        self.half_reply()
        self.server.close()
        self.assertEqual(self.client.ended(), gone(ENDED, "3 of this line's 6 bytes had come back"))
        self.assertEqual(self.client.process.stdout.read(), b"hel")

    def test_reset_in_the_middle_of_a_reply(self):
        self.half_reply()
        reset(self.server)
        self.assertEqual(self.client.ended(), gone(RESET, "3 of this line's 6 bytes had come back"))
        self.assertEqual(self.client.process.stdout.read(), b"hel")


class OtherGoings(unittest.TestCase):
    def test_gone_in_the_middle_of_a_long_line(self):
        """A close with unread data resets. What came before is printed, whichever call of the client finds out."""
        with OwnServer() as server:
            for _ in range(10):
                with Client(server.port) as client:
                    connection = server.accept()
                    client.type(b"x" * BEYOND_ALL_BUFFERS + b"\n")
                    receive(connection, 1000)
                    connection.sendall(b"x" * 1000)
                    connection.close()
                    code, said = client.ended()
                    self.assertEqual(code, 1)
                    had_come = f"1000 of this line's {BEYOND_ALL_BUFFERS + 1} bytes had come back"
                    self.assertRegex(
                        said, rf"^first-client: the server has gone \((send|recv): .*\); {had_come}\n$"
                    )
                    self.assertEqual(client.process.stdout.read(), b"x" * 1000)

    def test_send_finds_out(self):
        """strace holds the client before its send; what came in the meantime is printed all the same."""
        if without_strace():
            self.skipTest("strace is missing or not allowed here")
        held = ("strace", "-D", "-o", "/dev/null", "-e", "inject=sendto:delay_enter=1000000")
        with OwnServer() as server, Client(server.port, prefix=held) as client:
            connection = server.accept()
            client.type(b"x" * 2000 + b"\n")
            self.assertTrue(wait_until(lambda: unread(client.process.stdin) == 0 and is_held(client.process)))
            connection.sendall(b"x" * 1000)
            reset(connection)
            code, said = client.ended()
            self.assertEqual(code, 1)
            had_come = "1000 of this line's 2001 bytes had come back"
            self.assertRegex(said, rf"\((send|recv): Connection reset by peer\); {had_come}\n$")
            self.assertEqual(client.process.stdout.read(), b"x" * 1000)

    def test_a_server_that_is_killed(self):
        with TracedServer() as server, Client(server.port) as client:
            client.type(b"hello\n")
            self.assertEqual(read_line(client.process.stdout), b"hello\n")
            server.process.kill()
            self.assertEqual(client.ended(), gone(ENDED, "no reply was due"))


if __name__ == "__main__":
    unittest.main()
