"""What AWS demands and its models do not say: one table, each rule with its source.

A rule is a function from a call (`wire.Call`) to (where, problem); it is entered for some operations by `@rule`. Rules about the
order of calls are in `order.py`. `check.py --rules` prints the table.
"""

import fnmatch
import functools

TABLE = []


class Rule:
    def __init__(self, operations, says, source, check):
        self.operations, self.says, self.source, self.check = operations, says, source, check


def rule(*operations, says, source):
    """Enters a function for the operations named `service:Operation`, with `*` for any."""

    def enter(check):
        TABLE.append(Rule(operations, says, source, check))
        return check

    return enter


@functools.cache
def of(name):
    return [it for it in TABLE if any(fnmatch.fnmatchcase(name, pattern) for pattern in it.operations)]


from rules import apigateway, cloudfront, dynamodb, functions, identity, logs, s3, tags  # noqa: E402, F401 (they enter themselves)
