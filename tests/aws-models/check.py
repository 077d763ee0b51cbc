"""Checks recorded requests (tests/local-aws/request_log.py) against AWS's own service models and the rules beside them.

    check.py RECORD [--since BYTES]      says each violation once; 1 when there is one
             [--operator KEY...]         of the requests with these access keys, of role sessions and of browsers only
    check.py --rules                     the rules that the models do not hold, with their sources
    check.py --patterns                  patterns of the models that Python cannot compile
    check.py --policy < POLICY           what is wrong with a policy of an identity

The last line is JSON: how many requests, of which operations, and up to which byte of the record.
What it does not do: it knows nothing of what AWS holds, except where one call needs another (rules/order.py).
"""

import argparse
import json
import sys

import model
import patterns
import policies
import rules
import shapes
import wire
from rules.order import Order
from rules.s3 import FORM_SAYS, FORM_SOURCE, form_problems


class Violation:
    def __init__(self, request, name, where, problem, source):
        self.number, self.name, self.where, self.problem, self.source = request["number"], name, where, problem, source

    def __str__(self):
        return f"{self.name} {self.where}: {self.problem} [{self.source}]"


def check(request, order=None):
    """The name of the request's operation and what is wrong with it."""
    if "form" in request:
        form = {**request["form"], "time": request["time"]}
        return "s3:PostObject", [
            Violation(request, "s3:PostObject", where, problem, f"{FORM_SAYS}; {FORM_SOURCE}")
            for where, problem in form_problems(form)
        ]
    if request["service"] not in model.SERVICES:
        return request["service"], [
            Violation(request, request["service"], "service", "is none of ours", "tests/aws-models/model.py")
        ]
    try:
        call = wire.Call(request)
    except wire.Unreadable as error:
        return request["service"], [Violation(request, request["service"], "request", str(error), model.VERSION)]
    found = [(where, problem, model.VERSION) for where, problem in call.complaints]
    if call.operation.input:
        found += [
            (where, problem, model.VERSION)
            for where, problem in shapes.violations(call.service, call.operation.input, call.members)
        ]
    for rule in rules.of(call.name):
        found += [(where, problem, f"{rule.says}; {rule.source}") for where, problem in judged(rule, call)]
    if order is not None:
        found += list(order.see(call))
        order.settle(call, request["status"])
    return call.name, [Violation(request, call.name, *it) for it in found]


def judged(rule, call):
    """A rule stumbles over what is not as the model says; that was said already, and is said again."""
    try:
        return list(rule.check(call))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        return [("members", f"cannot be judged: {error!r}")]


def remember(request, order):
    """What an earlier request did, which was checked in its time."""
    if "form" in request or (request["method"] == "GET" and "publicAccessBlock" not in request["query"]):
        return
    try:
        call = wire.Call(request)
    except (wire.Unreadable, KeyError):
        return
    order.settle(call, request["status"])


def read(path):
    """(offset, request) of every complete line."""
    offset = 0
    with open(path, "rb") as record:
        for line in record:
            if not line.endswith(b"\n"):
                break
            yield offset, json.loads(line)
            offset += len(line)


def check_record(path, since=0, operators=()):
    """Checks what begins at `since`; what comes before it only tells what there is."""
    order, operations, violations, end = Order(), {}, [], 0
    for offset, request in read(path):
        end = offset + 1
        if not request.get("complete", True):
            continue  # whoever sent it died meanwhile
        if not is_ours(request, operators):
            continue
        if offset < since:
            remember(request, order)
            continue
        name, found = check(request, order)
        operations[name] = operations.get(name, 0) + 1
        violations += found
    return operations, violations, end


def is_ours(request, operators):
    """Or that of a test that plays somebody else: with keys of its own, or with a form that it has spoilt and that was refused."""
    if "form" in request:
        return request["status"] < 300
    return not operators or request["caller"] in operators or request["caller"].startswith("ASIA")


def report(operations, violations, end):
    grouped = {}
    for violation in violations:
        grouped.setdefault(str(violation), []).append(violation.number)
    for text, numbers in grouped.items():
        print(f"{text} (request {numbers[0]}{f', and {len(numbers) - 1} like it' if len(numbers) > 1 else ''})")
    summary = {"requests": sum(operations.values()), "violations": len(violations), "operations": operations, "end": end}
    print(json.dumps(summary, sort_keys=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", nargs="?")
    parser.add_argument("--since", type=int, default=0)
    parser.add_argument("--operator", action="append", default=[])
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--patterns", action="store_true")
    parser.add_argument("--policy", action="store_true")
    arguments = parser.parse_args()
    if arguments.rules:
        for rule in rules.TABLE:
            print(f"{' '.join(rule.operations)}\n    {rule.says}\n    {rule.source}")
    elif arguments.policy:
        found = list(policies.problems(sys.stdin.read(), policies.IDENTITY))
        print("\n".join(found), file=sys.stderr)
        sys.exit(1 if found else 0)
    elif arguments.patterns:
        for pattern in uncompilable_patterns():
            print(pattern)
    else:
        operations, violations, end = check_record(arguments.record, arguments.since, arguments.operator)
        report(operations, violations, end)
        sys.exit(1 if violations else 0)


def uncompilable_patterns():
    for name in model.SERVICES:
        for shape in model.service(name).shapes.values():
            if "pattern" in shape:
                patterns.compiled(shape["pattern"])
    return sorted(patterns.uncompilable)


if __name__ == "__main__":
    main()
