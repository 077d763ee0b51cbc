"""What AWS's IAM asks of a caller and MiniStack does not.

MiniStack checks one action for each call. AWS checks more for some: who makes something with tags must be allowed to tag it, who
makes a function to pass its role and to read its code, who tags a REST API to change it. AWS knows tags and condition keys that
MiniStack does not: the owner's tag of a REST API and of what is in it, of a distribution, the permissions boundary of a role, the
principal of a permission. And some actions have other names here.

Sources: AWS's Service Authorization Reference; for the tags of REST APIs also iann0036/iam-dataset#39 (tested on AWS) and the
texts of refusals in mattclay/aws-terminator#284; for ListTags the documentation of GetFunction.
"""
import json
import re
from contextvars import ContextVar
from urllib.parse import quote, unquote

import ministack.app as app
import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as iam_evaluator
import ministack.services.apigateway_v1 as rest
import ministack.services.cloudfront as cloudfront
import ministack.services.iam as iam
import ministack.services.tagging as tagging

# The request that is being checked.
_headers = ContextVar("headers", default={})
_request = ContextVar("request", default=None)
# The further action that was refused, on what, and in which words; what GetFunction leaves out.
_refused = ContextVar("refused", default=None)
_tags_refused = ContextVar("tags refused", default=None)
# Actions that AWS's IAM knows by another name: always, or by the request's method.
_OTHERWISE = {"cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution"}
_CONCURRENCY = {
    "GET": {"lambda:PutFunctionConcurrency": "lambda:GetFunctionConcurrency"},
    "DELETE": {"lambda:PutFunctionConcurrency": "lambda:DeleteFunctionConcurrency"},
}
# Every action that was asked for, for the log of calls.
asked = ContextVar("asked", default=())


def install():
    extract, keys = iam_actions.extract_iam_action, iam_actions.request_tag_context
    enforce, refusal = iam_evaluator.enforce, iam_actions.access_denied_response
    tags, functions = tagging.resource_tags, app.SERVICE_HANDLERS["lambda"]

    def action_of(service, method, path, headers, body, query_params):
        _headers.set(headers)
        action = extract(service, method, path, headers, body, query_params)
        # Here reserved concurrency is one action, whether it is read, set or taken away.
        of_verb = _CONCURRENCY.get(method, {}) if path.rstrip("/").endswith("/concurrency") else {}
        return of_verb.get(action) or _OTHERWISE.get(action, action)

    def keys_of(service, action, body, params):
        _request.set((action, body, params))
        # The next request on a connection begins where this one ended.
        _refused.set(None)
        _tags_refused.set(None)
        return {**keys(service, action, body, params), **_more_keys(service, action, body, params)}

    def enforce_all(access_key, action, service, region, resource_arn="*", service_context=None):
        refused = enforce(access_key, action, service, region, resource_arn, service_context)
        asked.set((*asked.get(), action))
        request = _request.get()
        if refused or not request or request[0] != action:
            return refused
        if action == "lambda:GetFunction":
            asked.set((*asked.get(), "lambda:ListTags"))
            hidden = enforce(access_key, "lambda:ListTags", service, region, resource_arn, {})
            _tags_refused.set(_refusal(hidden, "lambda:ListTags", resource_arn))
            return None
        for further, arn, context, words in _further(*request, region, resource_arn):
            asked.set((*asked.get(), further))
            refused = enforce(access_key, further, further.split(":")[0], region, arn, context)
            if refused:
                _refused.set((further, arn, words))
                return refused
        return None

    def refuse(service, action, principal_arn, request_id, **details):
        if refused := _refused.get():
            action, details["resource_arn"], words = refused
            details["message"] = words or iam_actions.identity_denial_message(
                action, principal_arn, details["resource_arn"], details.get("explicit_deny", False)
            )
        status, headers, body = refusal(service, action, principal_arn, request_id, **details)
        if service == "cloudfront":
            # As CloudFront wraps it; no SDK finds the code otherwise.
            body = re.sub(rb"<Error>.*</Error>", lambda found: b"<ErrorResponse>" + found[0] + b"</ErrorResponse>", body, flags=re.S)
        return status, headers, body

    async def without_tags(method, path, headers, body, query_params):
        status, headers, body = await functions(method, path, headers, body, query_params)
        if (words := _tags_refused.get()) and status == 200 and b'"Configuration"' in body:
            answer = json.loads(body)
            answer.pop("Tags", None)
            answer["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": words}
            body = json.dumps(answer).encode()
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return status, headers, body

    iam_actions.extract_iam_action, iam_actions.request_tag_context = action_of, keys_of
    iam_evaluator.enforce, iam_actions.access_denied_response = enforce_all, refuse
    tagging.resource_tags = lambda arn: _tags_of(arn) or tags(arn)
    app.SERVICE_HANDLERS["lambda"] = without_tags


def _refusal(refused, action, arn):
    principal = getattr(refused, "principal_arn", "") if refused else ""
    return iam_actions.identity_denial_message(action, principal, arn, False) if refused else None


def _json(body):
    try:
        found = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _request_tags(service, body):
    """The tags that a request sets, where MiniStack does not see them."""
    if service == "apigateway":
        found = _json(body).get("tags", {})
        return found if isinstance(found, dict) else {}
    if service == "cloudfront":
        text = (body or b"").decode("utf-8", "replace")
        return dict(re.findall(r"<Tag>\s*<Key>([^<]*)</Key>\s*<Value>([^<]*)</Value>\s*</Tag>", text))
    return {}


def _more_keys(service, action, body, params):
    context = {f"aws:requesttag/{key}".lower(): value for key, value in _request_tags(service, body).items()}
    if action == "lambda:AddPermission":
        context["lambda:Principal"] = _json(body).get("Principal")
    if service == "iam" and (name := iam_actions._query_param(params, "RoleName")):
        # The one to be, or the one that is.
        role = iam._roles.get(name) or {}
        boundary = iam_actions._query_param(params, "PermissionsBoundary") or role.get("PermissionsBoundary")
        if boundary:
            context["iam:PermissionsBoundary"] = boundary
    return context


def _further(action, body, params, region, arn):
    """What AWS asks for besides: action, ARN, condition keys, and its words where they are not the usual ones."""
    data, tagging_keys = _json(body), _more_keys(action.split(":")[0], action, body, params)
    if action in ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration") and data.get("Role"):
        yield "iam:PassRole", data["Role"], {"iam:PassedToService": "lambda.amazonaws.com"}, None
    if action in ("lambda:CreateFunction", "lambda:UpdateFunctionCode"):
        code = data.get("Code", data)
        if code.get("S3Bucket"):
            name = f"{code['S3Bucket']}/{code['S3Key']}"
            yield "s3:GetObject", f"arn:aws:s3:::{name}", {}, (
                "Your access has been denied by S3, please make sure your request credentials have permission to GetObject "
                f"for {name}. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"
            )
    if action == "lambda:CreateFunction" and data.get("Tags"):
        yield "lambda:TagResource", arn, {}, None
    if action == "dynamodb:CreateTable" and data.get("Tags"):
        yield "dynamodb:TagResource", arn, {}, None
    if action == "logs:CreateLogGroup" and data.get("tags"):
        yield "logs:TagResource", arn, {}, None
    if action == "iam:CreateRole" and iam_actions._query_param(params, "Tags.member.1.Key"):
        yield "iam:TagRole", arn, tagging_keys, None
    if action == "s3:CreateBucket":
        if _headers.get().get("x-amz-object-ownership"):
            yield "s3:PutBucketOwnershipControls", arn, {}, None
        if b"<Tags>" in (body or b""):
            yield "s3:TagResource", arn, {}, None
    if action == "cloudfront:CreateDistribution" and tagging_keys:
        yield "cloudfront:TagResource", "*", tagging_keys, None
    if action == "apigateway:POST" and tagging_keys:
        tagged = quote(f"arn:aws:apigateway:{region}::/restapis/*", safe="*")
        yield "apigateway:PUT", f"arn:aws:apigateway:{region}::/tags/{tagged}", tagging_keys, None
    if action in ("apigateway:PUT", "apigateway:DELETE") and "::/tags/" in arn:
        yield "apigateway:PATCH", unquote(arn.split("::/tags/", 1)[1]), {}, None


def _tags_of(arn):
    """The tags of a REST API or of what is in it, which inherits them, and of a distribution."""
    parts = arn.split(":", 5)
    if len(parts) == 6 and parts[2] == "apigateway":
        found = re.match(r"/restapis/([^/]+)(?:/stages/([^/]+))?", parts[5])
        if found and (api := rest._rest_apis.get(found[1])):
            stage = (rest._stages_v1.get(found[1]) or {}).get(found[2]) or {}
            return {**(api.get("tags") or {}), **(stage.get("tags") or {})}
    if len(parts) == 6 and parts[2] == "cloudfront":
        return {tag["Key"]: tag["Value"] for tag in cloudfront._tags.get(arn, [])}
    return None
