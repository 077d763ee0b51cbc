"""DynamoDB: a table's keys, and the placeholders of expressions."""

import re

from rules import rule


@rule(
    "dynamodb:*",
    says="a table is named by 3 to 255 of a-z A-Z 0-9 _ . -, or by its ARN",
    source="DynamoDB Developer Guide, Naming rules",
)
def name(call):
    table = call.members.get("TableName", "xxx")
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", table) and not re.fullmatch(
        r"arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d{12}:table/[a-zA-Z0-9_.-]{3,255}", table
    ):
        yield "TableName", f"is {table!r}"


@rule(
    "dynamodb:CreateTable",
    says="exactly the attributes of the keys are defined; a key is a hash and perhaps a range; on demand has no throughput",
    source="DynamoDB API, CreateTable",
)
def keys(call):
    schemas = [call.members.get("KeySchema", [])]
    schemas += [index.get("KeySchema", []) for index in call.members.get("GlobalSecondaryIndexes", [])]
    defined = [it.get("AttributeName") for it in call.members.get("AttributeDefinitions", [])]
    used = {it.get("AttributeName") for schema in schemas for it in schema}
    if set(defined) != used or len(defined) != len(set(defined)):
        yield "AttributeDefinitions", f"are {defined}, and the keys use {sorted(used)}"
    for schema in schemas:
        if [it.get("KeyType") for it in schema] not in (["HASH"], ["HASH", "RANGE"]):
            yield "KeySchema", f"is {schema}"
    on_demand = call.members.get("BillingMode") == "PAY_PER_REQUEST"
    places = [call.members, *call.members.get("GlobalSecondaryIndexes", [])]
    if any(("ProvisionedThroughput" in place) == on_demand for place in places):
        yield "ProvisionedThroughput", "is given on demand, or is missing without"


@rule(
    "dynamodb:UpdateTable",
    says="one kind of change a call, at most one index made or deleted, whose keys are defined",
    source="DynamoDB API, UpdateTable",
)
def one_change(call):
    kinds = set(call.members) - {"TableName", "AttributeDefinitions"}
    if kinds == {"BillingMode", "ProvisionedThroughput"}:
        kinds.discard("ProvisionedThroughput")
    if len(kinds) != 1:
        yield "UpdateTable", f"changes {sorted(kinds)}"
    updates = call.members.get("GlobalSecondaryIndexUpdates", [])
    if len([it for it in updates if "Create" in it or "Delete" in it]) > 1:
        yield "GlobalSecondaryIndexUpdates", f"are {len(updates)}"
    defined = {it.get("AttributeName") for it in call.members.get("AttributeDefinitions", [])}
    used = {key.get("AttributeName") for it in updates for key in it.get("Create", {}).get("KeySchema", [])}
    if not used <= defined:
        yield "AttributeDefinitions", f"are {sorted(defined)}, and the index uses {sorted(used)}"


_EXPRESSIONS = ("ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression")
_WORDS = {
    "and",
    "or",
    "not",
    "between",
    "in",
    "set",
    "remove",
    "add",
    "delete",
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "size",
    "if_not_exists",
    "list_append",
}


@rule(
    "dynamodb:*",
    says="each #name and :value of an expression is given, each given one is used, and no attribute stands bare (573 words are reserved)",
    source="DynamoDB Developer Guide, Expression attribute names; Reserved words",
)
def placeholders(call):
    text = " ".join(call.members.get(name, "") for name in _EXPRESSIONS)
    for member, mark in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
        given = set(call.members.get(member, {}))
        used = set(re.findall(mark + r"\w+", text))
        if given != used:
            yield member, f"are {sorted(given)}, and the expressions use {sorted(used)}"
    bare = {word.lower() for word in re.findall(r"(?<![#:\w])[A-Za-z_]\w*", text)} - _WORDS
    if bare:
        yield "expressions", f"hold the bare names {sorted(bare)}"


@rule(
    "dynamodb:Query",
    "dynamodb:Scan",
    says="a limit is at least 1; an index is not read consistently",
    source="DynamoDB API, Query",
)
def query(call):
    if call.members.get("IndexName") and call.members.get("ConsistentRead"):
        yield "ConsistentRead", "is asked of an index"
