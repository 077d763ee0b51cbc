"""The models' patterns are Java's. AWS matches the whole value; Python needs another spelling for Unicode properties.

`compiled` returns None for what cannot be said in Python; `uncompilable` collects those, and a test knows them all.
"""

import functools
import re
import unicodedata

uncompilable = set()

# What comes after this are tags, variation selectors and private use.
_LAST_LETTER = 0x323AF
# Java's names of ASCII classes, as the inside of a set.
_ASCII = {
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Print": r"\x20-\x7e",
    "Graph": r"\x21-\x7e",
    "ASCII": r"\x00-\x7f",
}


@functools.cache
def compiled(pattern):
    try:
        # Without re.ASCII, \w and \d would take letters and digits of every script; Java's take ASCII only.
        return re.compile(_translate(pattern), re.ASCII)
    except (re.error, KeyError):
        uncompilable.add(pattern)
        return None


def matches(pattern, text):
    """True also for a pattern that cannot be compiled: it is reported as such, once."""
    expression = compiled(pattern)
    return expression is None or expression.fullmatch(text) is not None


def _translate(pattern):
    # Java pairs surrogates where Python has the code points themselves.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    found, inside, at = [], False, 0
    while at < len(pattern):
        property_ = re.match(r"\\p\{(\w+)\}", pattern[at:])
        if property_:
            set_ = _inside(property_.group(1))
            found.append(set_ if inside else f"[{set_}]")
            at += property_.end()
            continue
        if pattern[at] == "\\":
            found.append(pattern[at : at + 2])
            at += 2
            if inside and pattern[at : at + 1] == "-":
                found.append("\\")  # no range begins with a class
            continue
        if pattern[at] == "[" and not inside:
            inside = True
        elif pattern[at] == "[":
            found.append("\\")  # a bracket in a set: Python warns of it
        elif pattern[at] == "]":
            inside = False
        if inside and pattern[at : at + 2] == "&&":
            raise KeyError("intersections of sets")
        found.append(pattern[at])
        at += 1
    return "".join(found)


@functools.cache
def _inside(name):
    if name in _ASCII:
        return _ASCII[name]
    if name not in ("L", "N", "Z"):
        raise KeyError(name)
    ranges, start = [], None
    for point in range(_LAST_LETTER + 2):
        is_in = point <= _LAST_LETTER and unicodedata.category(chr(point))[0] == name
        if is_in and start is None:
            start = point
        elif not is_in and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{point - 1:08x}")
            start = None
    return "".join(ranges)
