"""Members against the model: required, type, length, range, pattern, enum."""

import patterns


def violations(service, name, value, where=""):
    """Yields (where, problem) for a value of the shape of this name."""
    shape = service.shape(name)
    yield from _VALUES.get(shape["type"], _nothing)(service, shape, value, where)


def _nothing(service, shape, value, where):
    return ()


def _structure(service, shape, value, where):
    if not isinstance(value, dict):
        return  # complained of where it was read
    if shape.get("document"):
        return
    for name in shape.get("required", []):
        if name not in value:
            yield _join(where, name), "is required and missing"
    if shape.get("union") and len(value) != 1:
        yield where, f"is a choice of one member and has {sorted(value)}"
    for name, part in value.items():
        member = shape["members"].get(name)
        if member is not None and part is not None:
            yield from violations(service, member["shape"], part, _join(where, name))


def _list(service, shape, value, where):
    if not isinstance(value, list):
        return
    yield from _size(shape, len(value), where, "items")
    for index, part in enumerate(value):
        yield from violations(service, shape["member"]["shape"], part, f"{where}[{index}]")


def _map(service, shape, value, where):
    if not isinstance(value, dict):
        return
    yield from _size(shape, len(value), where, "entries")
    for key, part in value.items():
        yield from violations(service, shape["key"]["shape"], key, f"{where} key {key!r}")
        yield from violations(service, shape["value"]["shape"], part, f"{where}.{key}")


def _string(service, shape, value, where):
    if not isinstance(value, str):
        return
    # As Java counts: a character beyond the first plane is two.
    yield from _size(shape, len(value.encode("utf-16-le", "surrogatepass")) // 2, where, "characters")
    if "pattern" in shape and not patterns.matches(shape["pattern"], value):
        yield where, f"is {value[:120]!r}, which does not match {shape['pattern']}"
    if "enum" in shape and value not in shape["enum"]:
        yield where, f"is {value[:120]!r}, not one of {', '.join(shape['enum'][:12])}{' …' if len(shape['enum']) > 12 else ''}"


def _number(service, shape, value, where):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "min" in shape and value < shape["min"]:
            yield where, f"is {value}, less than {shape['min']}"
        if "max" in shape and value > shape["max"]:
            yield where, f"is {value}, more than {shape['max']}"


def _blob(service, shape, value, where):
    if isinstance(value, bytes):
        yield from _size(shape, len(value), where, "bytes")


def _size(shape, size, where, unit):
    if "min" in shape and size < shape["min"]:
        yield where, f"has {size} {unit}, fewer than {shape['min']}"
    if "max" in shape and size > shape["max"]:
        yield where, f"has {size} {unit}, more than {shape['max']}"


def _join(where, name):
    return f"{where}.{name}" if where else name


_VALUES = {
    "structure": _structure, "list": _list, "map": _map, "string": _string, "blob": _blob,
    "integer": _number, "long": _number, "float": _number, "double": _number,
}  # fmt: skip
