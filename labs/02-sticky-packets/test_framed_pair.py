"""Lab 02's cures: framed-server shows the messages that framed-client sent, however the stream is cut."""

import contextlib
import itertools
import re
import socket
import unittest

from common.testing import conversation
from common.testing.conversation import reset
from common.testing.processes import BIN, Family, run
from .test_sticky_packets_support import (
    HELLO,
    client_of,
    end_of,
    late,
    late_reader,
    read_until,
    server_of,
)

CODECS = ("fixed", "delimiter", "length-prefix", "content-length")
# One message as it travels.
FRAMES = {
    "fixed": HELLO.encode(),
    "delimiter": HELLO.encode() + b"\n",
    "length-prefix": b"\0\0\0\x0e" + HELLO.encode(),
    "content-length": b"Content-Length: 14\r\n\r\n" + HELLO.encode(),
}


def shown(messages):
    return [f"message {number}: {message}" for number, message in enumerate(messages, 1)]


def counted(lines, program, verb):
    """The numbers of bytes in the lines on stderr: one a call."""
    return [int(re.fullmatch(rf"{program}: {verb} (\d+) bytes", line)[1]) for line in lines]


def cut_into(total, size):
    whole, rest = divmod(total, size)
    return [size] * whole + [rest] * (rest > 0)


class Cuttings(unittest.TestCase):
    def test_every_size_of_read_and_of_piece_gives_the_same_messages(self):
        """The server reads late, so its reads are exactly as large as asked. The sizes of pieces take turns."""
        messages = [f"[{number}]{letter * 9}" for number, letter in enumerate("abc", 1)]
        family = Family()
        pieces = itertools.cycle((1, 2, 3, 7, None))
        for codec in CODECS:
            frame = len(FRAMES[codec]) - len(HELLO) + 12
            both = ["--codec", codec, "--message-size", 12]
            next(pieces)  # so that each codec meets each size of read with another size of piece
            for size, piece in zip(range(1, 41), pieces):
                cut = ["--piece-size", piece] if piece else []
                read, sent = late(
                    ["framed-server", "--read-size", size, *both],
                    ["framed-client", "--messages", 3, "--size", 12, *both, *cut],
                    family,
                )
                with self.subTest(codec=codec, read_size=size, piece_size=piece):
                    self.assertEqual((sent.code, sent.out), (0, shown(messages)))
                    self.assertEqual((read.code, read.out), (0, shown(messages)))
                    self.assertEqual(counted(read.err, "framed-server", "read"), cut_into(3 * frame, size))
                    self.assertEqual(
                        counted(sent.err, "framed-client", "sent"), cut_into(3 * frame, piece or frame)
                    )
        self.assertEqual(family.left(), [])

    def test_every_first_part_of_the_stream_alone(self):
        """The server has read the first part before the second is sent."""
        for codec in CODECS:
            stream = FRAMES[codec] * 2
            for cut in range(1, len(stream)):
                with server_of("framed-server", "--codec", codec) as server:
                    with conversation.connect(("127.0.0.1", server.port)) as connection:
                        connection.sendall(stream[:cut])
                        read_until(server.process.stderr, f"read {cut} bytes\n")
                        connection.sendall(stream[cut:])
                    ended = end_of(server)
                self.assertEqual((ended.code, ended.out), (0, shown([HELLO] * 2)), (codec, cut))

    def test_a_client_that_sends_piece_by_piece_with_pauses(self):
        for codec in CODECS:
            with server_of("framed-server", "--codec", codec, "--read-size", 5) as server:
                client = client_of(
                    "framed-client", server, "--codec", codec, "--piece-size", 3, "--gap-ms", 2, "--nodelay"
                )
                ended = end_of(server)
            self.assertEqual((client.code, client.out), (0, shown([HELLO] * 2)), codec)
            self.assertEqual((ended.code, ended.out), (0, shown([HELLO] * 2)), codec)

    def test_large_messages(self):
        for codec in CODECS:
            both = ["--codec", codec, "--message-size", 1_000_000]
            with server_of("framed-server", *both, "--read-size", 65536) as server:
                client = client_of("framed-client", server, *both, "--size", 1_000_000, "--messages", 5)
                ended = end_of(server)
            messages = [
                f"[{number}]" + letter * 97 + "… (999900 bytes more)"
                for number, letter in enumerate("abcde", 1)
            ]
            self.assertEqual((client.code, client.out), (0, shown(messages)), codec)
            self.assertEqual((ended.code, ended.out), (0, shown(messages)), codec)

    def test_what_travels(self):
        for codec in CODECS:
            with conversation.listen() as listener:
                ended = run(BIN / "framed-client", "--port", listener.getsockname()[1], "--codec", codec)
                connection, _ = listener.accept()
                with connection:
                    self.assertEqual(connection.recv(1000, socket.MSG_WAITALL), FRAMES[codec] * 2)
            self.assertEqual(ended.code, 0)


class Refusals(unittest.TestCase):
    def test_a_message_that_the_codec_cannot_carry_is_not_sent(self):
        for words, said in (
            (["--codec", "fixed", "--text", "thirteen char"], "13 bytes"),
            (["--codec", "fixed", "--text", ""], "0 bytes"),
            (["--codec", "fixed", "--message-size", 20, "--max-message", 10], "20 bytes"),
            (["--codec", "delimiter", "--text", "two\nlines"], "line feed"),
            (["--codec", "length-prefix", "--max-message", 13], "14 bytes"),
            (["--codec", "content-length", "--max-message", 13], "14 bytes"),
            (["--codec", "delimiter", "--max-message", 13], "14 bytes"),
            (["--size", 2_000_000], "2000000 bytes"),
        ):
            with conversation.listen() as listener:
                ended = run(BIN / "framed-client", "--port", listener.getsockname()[1], *words)
                listener.settimeout(0)
                with self.assertRaises(BlockingIOError):  # it hasn't even connected
                    listener.accept()
            self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1), (words, ended.err))
            self.assertTrue(ended.err[0].startswith("framed-client: "))
            self.assertIn(said, ended.err[0])

    def test_an_empty_message_is_a_message(self):
        for codec in CODECS[1:]:
            read, sent = late(
                ["framed-server", "--codec", codec], ["framed-client", "--codec", codec, "--text", ""]
            )
            self.assertEqual(
                (sent.out, read.out, read.code), (["message 1: ", "message 2: "],) * 2 + (0,), codec
            )

    def test_bad_options_are_one_line_and_exit_2(self):
        for program, words in (
            ("framed-server", ["--codec", "json"]),
            ("framed-server", ["--message-size", "0"]),
            ("framed-server", ["--max-message", "-1"]),
            ("framed-server", ["--codec", "fixed", "--message-size", 20, "--max-message", 10]),
            ("framed-server", ["--read-size", "0"]),
            ("framed-client", ["--piece-size", "0"]),
            ("framed-client", ["--codec", ""]),
            ("framed-client", ["--text", "x", "--size", "14"]),
        ):
            ended = run(BIN / program, *words, seconds=10)
            self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1), (program, words, ended.err))
            self.assertTrue(ended.err[0].startswith(f"{program}: "))


class BrokenStreams(unittest.TestCase):
    def told(self, codec, data, *options):
        """What the server says of a stream after which it closes the connection, the client's end being open."""
        with server_of("framed-server", "--codec", codec, *options) as server:
            with conversation.connect(("127.0.0.1", server.port), 10) as connection:
                connection.sendall(data)
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(connection.recv(1), b"")
                ended = end_of(server)
        self.assertEqual(ended.code, 1, (codec, data))
        complaints = [line for line in ended.err if not re.fullmatch(r"framed-server: read \d+ bytes", line)]
        self.assertEqual(len(complaints), 1, ended.err)
        self.assertRegex(complaints[0], r"^framed-server: .+; closed the connection$")
        return ended.out, complaints[0]

    def test_a_length_that_lies_ends_the_connection(self):
        good = FRAMES["length-prefix"]
        for lie, said in (
            (b"\xff\xff\xff\xff", "4294967295"),
            (b"\x80\0\0\0", "2147483648"),
            (b"\0\x10\0\x01", "1048577"),
        ):
            out, complaint = self.told("length-prefix", good + lie + good)
            self.assertEqual(out, shown([HELLO]))
            self.assertIn(said, complaint)
            self.assertIn("1048576", complaint)
        self.told("length-prefix", b"\0\0\0\x0f" + b"x" * 15, "--max-message", 14)

    def test_garbage_in_a_header_ends_the_connection(self):
        good = FRAMES["content-length"]
        for garbage in (
            b"Content-Length: many\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Content-Length: 1048577\r\n\r\n",
            b"Content-Length: 99999999999999999999\r\n\r\n",
            b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"Length: 1\r\n\r\n",
            b"x" * 10_000,
        ):
            out, _ = self.told("content-length", good + garbage)
            self.assertEqual(out, shown([HELLO]), garbage)

    def test_a_line_that_never_ends_ends_the_connection(self):
        out, _ = self.told("delimiter", b"hello\n" + b"x" * 200, "--max-message", 100)
        self.assertEqual(out, shown(["hello"]))

    def test_a_stream_that_ends_inside_a_message_is_an_error(self):
        for codec in CODECS:
            frame = FRAMES[codec]
            for cut in range(1, len(frame)):
                with late_reader("framed-server", "--codec", codec) as server:
                    with conversation.connect(("127.0.0.1", server.port)) as connection:
                        connection.sendall(frame + frame[:cut])
                ended = server.ended
                self.assertEqual((ended.code, ended.out), (1, shown([HELLO])), (codec, cut))
                self.assertRegex(ended.err[-1], r"^framed-server: .+; closed the connection$")
                self.assertEqual(len(ended.err), 2)

    def test_an_end_between_messages_or_before_the_first_is_none(self):
        for codec in CODECS:
            for stream, messages in ((b"", []), (FRAMES[codec], [HELLO])):
                with server_of("framed-server", "--codec", codec) as server:
                    with conversation.connect(("127.0.0.1", server.port)) as connection:
                        connection.sendall(stream)
                    ended = end_of(server)
                self.assertEqual((ended.code, ended.out), (0, shown(messages)), codec)

    def test_a_reset_is_no_end(self):
        with late_reader("framed-server") as server:
            connection = conversation.connect(("127.0.0.1", server.port))
            connection.sendall(FRAMES["length-prefix"])
            reset(connection)
        self.assertEqual((server.ended.code, server.ended.out), (1, shown([HELLO])))
        self.assertEqual(server.ended.err[-1], "framed-server: recv: Connection reset by peer")

    def test_other_codecs_than_the_sender_had_guess_nothing(self):
        """A length prefix read as text has no delimiter within its bounds, or is no header."""
        for codec in ("delimiter", "content-length"):
            read, _ = late(["framed-server", "--codec", codec], ["framed-client", "--codec", "length-prefix"])
            self.assertEqual((read.code, read.out), (1, []), codec)


if __name__ == "__main__":
    unittest.main()
