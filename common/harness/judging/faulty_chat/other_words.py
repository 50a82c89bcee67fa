"""The right room in other words: what foreign rooms are like, for the tests of `harness check-chat --format`.

Each class goes in front of the right room or one with a fault, and changes how it speaks; nothing else.
"""

from common.harness.judging.faulty_chat.chat_room import ChatRoom


class Greets(ChatRoom):
    """Says all that the lab's rooms say, its own way, with CR LF behind it."""

    format = (
        "greeting=Welcome, {name}!; message=<{name}> {line}; joined={name} is here; left=Bye bye {name}.; refused=error:;"
        "dropped=({count} missed); quit=/bye; longest=1000; frame=lines"
    )
    greeting = b"Welcome, %s!"
    joined = b"%s is here"
    left = b"Bye bye %s."
    refused = b"error: %s"
    dropped = b"(%d missed)"
    quit_command = b"/bye"

    def framed(self, words):
        return words + b"\r\n"

    def message(self, guest, line):
        return b"<%s> %s" % (guest.name, line)


class AsksForNames(ChatRoom):
    """As many tutorials have it: a prompt, the first line is a name, and no word for anything but who comes and goes."""

    format = "enter={name}; message=[{name}] {line}; joined={name} joined the chat; left={name} left the chat"
    joined = b"%s joined the chat"
    left = b"%s left the chat"

    def greet(self, guest):
        self.deliver(guest, b"Welcome!\nYour name: ")

    def take_line(self, guest, line, too_long):
        if guest.number:
            guest.number, guest.name = 0, line
            self.tell_who_joined(guest)
        else:
            super().take_line(guest, line, too_long)

    def message(self, guest, line):
        return b"[%s] %s" % (guest.name, line)

    def has_controls(self, line):
        return False


class CountsBytes(ChatRoom):
    """As Asio's example: a length before each line, no names, no news, and a newcomer hears the last lines again. Unlike
    it, the speaker doesn't hear himself."""

    format = "frame=4-digits; message={line}; longest=512"

    def __init__(self, port):
        super().__init__(port)
        self.history = []

    def framed(self, words):
        return b"%4d%s" % (len(words), words)

    def message(self, guest, line):
        return line

    def greet(self, guest):
        for line in self.history:
            self.deliver(guest, line)

    def tell_who_left(self, guest):
        pass

    def hear(self, guest, data):
        guest.part += data
        while len(guest.part) >= 4 and len(guest.part) >= 4 + int(guest.part[:4]):
            end = 4 + int(guest.part[:4])
            line = bytes(guest.part[4:end])
            del guest.part[:end]
            self.history = [*self.history, self.framed(line)][-100:]
            self.pass_on(guest, line)


WORDS = {"greets": Greets, "asks-for-names": AsksForNames, "counts-bytes": CountsBytes}


def in_words(words, room):
    """The class of a room, with a fault or without, that speaks so."""
    return type(room.__name__, (WORDS[words], room), {})
