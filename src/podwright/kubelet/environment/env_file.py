"""One variable out of a file of variables (`fileKeyRef`).

Pure. `sources.py` reads the file from the Pod's emptyDir when a container is created. The grammar is a small, strict
part of the shell's: `NAME='value'`, the quotes always there, nothing escaped, a value may span lines, `#` begins a
comment; the first that has the name counts.
Page: https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-via-file/
"""

from __future__ import annotations

_BLANK = " \t"


class EnvFileError(ValueError):
    """The file does not keep to the grammar; the text has the line."""


def find_variable(text: str, key: str) -> str:
    """The value of `key`, "" when it is not there or empty.

    Everything before the variable must keep to the grammar. Raises EnvFileError.
    """
    position, line = 0, 1
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        statement = text[position:end].strip(_BLANK + "\r")
        if not statement or statement.startswith("#"):
            position, line = end + 1, line + 1
            continue
        name, equals, _ = statement.partition("=")
        if not equals:
            raise EnvFileError(f"line {line}: there is no '='")
        if not name or name[-1] in _BLANK:
            raise EnvFileError(f"line {line}: a name must stand right before '='")
        start = text.index("=", position) + 1
        value, position = _value(text, start, line)
        line += text.count("\n", start, position)
        if name == key:
            return value
    return ""


def _value(text: str, start: int, line: int) -> tuple[str, int]:
    """The value that begins at `start`, and where the next line begins."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    rest = text[start:end].rstrip("\r")
    if not rest.strip(_BLANK) or rest[0] in _BLANK:
        # `NAME= 'x'`, as `NAME=`: an empty variable, whatever follows.
        return "", end + 1
    if rest[0] != "'":
        raise EnvFileError(f"line {line}: the value must stand in single quotes")
    close = text.find("'", start + 1)
    if close < 0:
        raise EnvFileError(f"line {line}: the quote is not closed")
    after_end = text.find("\n", close)
    after_end = len(text) if after_end < 0 else after_end
    after = text[close + 1 : after_end].strip(_BLANK + "\r")
    if after and not after.startswith("#"):
        raise EnvFileError(f"line {line}: only a comment may follow the value")
    return text[start + 1 : close], after_end + 1
