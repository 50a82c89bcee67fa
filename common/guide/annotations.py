"""The small grammar in info strings and comments: bare words and key=value, values quoted where they hold spaces."""

import difflib
import re

COMMENTS = ("lab", "predict", "hint")

_FIELD = re.compile(r"""\s*([A-Za-z][\w-]*)(?:=("[^"]*"|'[^']*'|[^\s"']+))?(?=\s|$)""")


class HandoutError(Exception):
    """A handout that the guide can't follow: where, what is wrong, and what is allowed."""

    def __init__(self, path, line, message):
        super().__init__(f"{path}:{line}: {message}")
        self.line = line


class Malformed(Exception):
    """What is wrong with one annotation; the parser, which knows the place, turns it into a HandoutError."""

    line: int  # where a fence or a comment begins that never ends


def fields(text, allowed, required=()):
    """Reads `key=value` pairs and bare words (their value is True) into a dictionary; `allowed` are the known keys."""
    found = {}
    position = 0
    while text[position:].strip():
        match = _FIELD.match(text, position)
        if not match:
            raise Malformed(
                f"can't read `{text[position:].strip()}`: write key=value, and quote a value that holds spaces"
            )
        key, value = match.groups()
        if key not in allowed:
            raise Malformed(f"unknown `{key}`; allowed: {', '.join(allowed)}")
        if key in found:
            raise Malformed(f"`{key}` is given twice")
        found[key] = True if value is None else value[1:-1] if value[0] in "\"'" else value
        position = match.end()
    for key in required:
        if found.get(key) in (None, True, ""):
            raise Malformed(f"`{key}=…` is missing")
    return found


def comment_kind(text):
    """Splits a comment into (kind, rest), or gives (None, text) when it is an ordinary comment.

    A word that is nearly one of ours is a slip, not an ordinary comment: passing over it would silently lose a
    prediction.
    """
    match = re.match(r"\s*([\w-]+)(:?)(.*)", text, re.DOTALL)
    if not match:
        return None, text
    word, colon, rest = match.groups()
    if word in COMMENTS:
        if (word == "hint") != bool(colon):
            raise Malformed("write `<!-- hint: … -->`, `<!-- predict id=… -->` and `<!-- lab minutes=… -->`")
        return word, rest.strip()
    near = difflib.get_close_matches(word.lower(), COMMENTS, 1, 0.75)
    if near:
        raise Malformed(
            f"`{word}` is no annotation; did you mean `{near[0]}`? Allowed: {', '.join(COMMENTS)}"
        )
    return None, text


def flag(found, key):
    """The value of a bare word: it is there or not."""
    if found.get(key, True) is not True:
        raise Malformed(f"`{key}` takes no value")
    return key in found


def seconds(found, key):
    """A number of seconds above 0, or None where the key is absent."""
    if key not in found:
        return None
    try:
        value = float(found[key])
    except (TypeError, ValueError):
        value = 0
    if not 0 < value <= 3600:
        raise Malformed(f"`{key}` takes a number of seconds above 0, at most 3600")
    return value


def word_list(found, key):
    """The words of `key=a,b`, or an empty tuple where the key is absent."""
    if key not in found:
        return ()
    words = tuple(word for word in str(found[key]).split(",") if word)
    if found[key] is True or not words:
        raise Malformed(f"`{key}` takes names separated by commas")
    return words
