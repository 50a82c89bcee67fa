"""Faults in what a room makes of bytes, and in who hears it. Each class changes one step of the right room."""

from common.harness.judging.faulty_chat.chat_room import LONGEST, ChatRoom


class GreetsNobody(ChatRoom):
    """Stands for a room that waits for the newcomer to speak first: its protocol has no first word."""

    def greet(self, guest):
        pass


class SpeaksUnderTheFirstName(ChatRoom):
    """Stands for a name that is kept in two places, of which /nick changes one."""

    def pass_on(self, guest, line):
        self.broadcast(guest, b"%s: %s\n" % (guest.first_name, line))


class TakesTheSameNameTwice(ChatRoom):
    """Stands for a new name that is never looked up: two guests speak as one."""

    def rename(self, guest, name):
        for other in self.guests:
            if other.name == name:
                other.name, old = b"", name
                super().rename(guest, name)
                other.name = old
                return
        super().rename(guest, name)


class HearsTheEighthTwice(ChatRoom):
    """Stands for a table of guests with a place for somebody who is in it already."""

    def broadcast(self, speaker, line):
        super().broadcast(speaker, line)
        if len(self.guests) >= 8 and self.guests[7] is not speaker and b": line " in line:
            self.deliver(self.guests[7], line)


class OrdersByWhoIsServed(ChatRoom):
    """Stands for a queue a listener, which each speaker's thread fills by itself: what was said in the same moment
    comes to every second listener in the other order."""

    def __init__(self, port):
        super().__init__(port)
        self.said = []

    def pass_on(self, guest, line):
        self.said.append((guest, b"%s: %s\n" % (guest.name, line)))

    def leave(self, guest):
        self.pass_all_on()
        super().leave(guest)

    def wait(self):
        self.pass_all_on()
        return super().wait()

    def pass_all_on(self):
        said, self.said = self.said, []
        turns = {id(speaker): [] for speaker, _ in said}
        for speaker, line in said:
            turns[id(speaker)].append((speaker, line))
        for listener in list(self.guests):
            order = list(turns.values())
            for turn in order[::-1] if listener.number % 2 else order:
                for speaker, line in turn:
                    if listener is not speaker:
                        self.deliver(listener, line)


class EchoesToTheSpeaker(ChatRoom):
    """Stands for a loop over all clients that doesn't leave out the one who spoke."""

    def pass_on(self, guest, line):
        super().pass_on(guest, line)
        self.deliver(guest, b"%s: %s\n" % (guest.name, line))


class TakesEachReadForALine(ChatRoom):
    """Stands for a program that knows no lines: what one recv returns is what somebody said."""

    def hear(self, guest, data):
        if guest.inside:
            self.take_line(guest, data.removesuffix(b"\n"), False)

    def has_controls(self, line):
        return super().has_controls(line.replace(b"\n", b""))


class TakesTheFirstLineOfARead(ChatRoom):
    """Stands for a reader of lines that forgets what lies behind the first one until the next bytes come."""

    def hear(self, guest, data):
        guest.part += data
        if b"\n" in guest.part and guest.inside:
            line, _, rest = bytes(guest.part).partition(b"\n")
            guest.part[:] = rest
            self.take_line(guest, line, False)


class SharesOnePart(ChatRoom):
    """Stands for one buffer for the half lines of all guests: right with one who types."""

    def __init__(self, port):
        super().__init__(port)
        self.part = bytearray()

    def hear(self, guest, data):
        guest.part = self.part
        super().hear(guest, data)


class SaysTheLastLineWithoutAnEnd(ChatRoom):
    """Stands for a reader of lines that hands out the rest at the end of the stream, as getline does."""

    def at_end(self, connection):
        if connection.part and connection.inside:
            self.take_line(connection, bytes(connection.part), connection.too_long)
        super().at_end(connection)


class KeepsTheCarriageReturn(ChatRoom):
    """Stands for lines that end in LF and nothing else: whoever uses telnet is refused."""

    def without_cr(self, line):
        return line


class PassesControlCharactersOn(ChatRoom):
    """Stands for bytes that are passed on as they are: escape sequences reach every terminal."""

    def has_controls(self, line):
        return False


class KnowsOnlyTheFirstControls(ChatRoom):
    """Stands for a check of single bytes: those that UTF-8 writes as two (U+009B begins a sequence, too) pass."""

    def has_controls(self, line):
        return any(byte < 0x20 or byte == 0x7F for byte in line)


class RefusesAllThatIsNotAscii(ChatRoom):
    """Stands for iscntrl of a char that is negative, or a check of bytes for what are characters."""

    def has_controls(self, line):
        return super().has_controls(line) or any(byte >= 0x80 for byte in line)


class KeepsALineWithoutBound(ChatRoom):
    """Stands for a reader of lines whose buffer grows until the line ends: one that never does takes all memory."""

    def add(self, guest, piece):
        guest.part += piece


class CutsLongLines(ChatRoom):
    """Stands for fgets with a buffer of fixed size: a long line becomes a short one."""

    def take_line(self, guest, line, too_long):
        super().take_line(guest, line[:LONGEST] or b"x" * (LONGEST if too_long else 0), False)


class RefusesEachPiece(ChatRoom):
    """Stands for a line whose rest is not thrown away: it is refused again with each read."""

    def add(self, guest, piece):
        was_too_long = guest.too_long
        super().add(guest, piece)
        if guest.too_long and was_too_long:
            self.refuse(guest, b"a line has at most 1000 bytes")


FAULTS = {
    "cuts-long-lines": CutsLongLines,
    "echoes-to-the-speaker": EchoesToTheSpeaker,
    "greets-nobody": GreetsNobody,
    "hears-the-eighth-twice": HearsTheEighthTwice,
    "keeps-a-line-without-bound": KeepsALineWithoutBound,
    "keeps-the-carriage-return": KeepsTheCarriageReturn,
    "knows-only-the-first-controls": KnowsOnlyTheFirstControls,
    "orders-by-who-is-served": OrdersByWhoIsServed,
    "passes-control-characters-on": PassesControlCharactersOn,
    "refuses-all-that-is-not-ascii": RefusesAllThatIsNotAscii,
    "refuses-each-piece": RefusesEachPiece,
    "says-the-last-line-without-an-end": SaysTheLastLineWithoutAnEnd,
    "shares-one-part": SharesOnePart,
    "speaks-under-the-first-name": SpeaksUnderTheFirstName,
    "takes-each-read-for-a-line": TakesEachReadForALine,
    "takes-the-first-line-of-a-read": TakesTheFirstLineOfARead,
    "takes-the-same-name-twice": TakesTheSameNameTwice,
}
