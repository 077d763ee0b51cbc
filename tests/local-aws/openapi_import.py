"""API Gateway's PutRestApi, which MiniStack 1.5.33 lacks, and ImportRestApi, whose body it ignores.

Reads OpenAPI 3 with the AWS extensions: integrations with responses, models, request validators, gateway responses, binary
media types, policy, authorizers. `mode=overwrite` resets what the body leaves out, as AWS does.
"""
import json

import ministack.services.apigateway_v1 as rest

_handle = rest.handle_request


def install():
    rest.handle_request = handle_request


def _ok(answer):
    if answer[0] >= 400:
        raise ValueError(answer[2])
    return json.loads(answer[2]) if answer[2] else {}


def _import_openapi(api_id, spec, overwrite):
    api = rest._rest_apis[api_id]
    if overwrite:  # overwrite also resets what the body does not say, as AWS does
        root = next(r for r in rest._resources[api_id].values() if r["path"] == "/")
        root["resourceMethods"] = {}
        rest._resources[api_id] = {root["id"]: root}
        for store in (rest._models, rest._authorizers_v1, rest._request_validators, rest._gateway_responses):
            store[api_id] = {}
        api.update(name="", description="", binaryMediaTypes=[], policy=None)
    info = spec.get("info") or {}
    api.update(name=info.get("title") or api["name"], version=str(info.get("version") or api.get("version") or ""))
    if info.get("description"):
        api["description"] = info["description"]
    if "x-amazon-apigateway-binary-media-types" in spec:
        api["binaryMediaTypes"] = list(spec["x-amazon-apigateway-binary-media-types"])
    if "x-amazon-apigateway-minimum-compression-size" in spec:
        api["minimumCompressionSize"] = spec["x-amazon-apigateway-minimum-compression-size"]
    if "x-amazon-apigateway-policy" in spec:
        api["policy"] = json.dumps(spec["x-amazon-apigateway-policy"])
    for name, schema in ((spec.get("components") or {}).get("schemas") or {}).items():
        _ok(rest._create_model(api_id, {"name": name, "schema": json.dumps(schema)}))
    validators = {
        name: _ok(rest._create_request_validator(api_id, {"name": name, **flags}))["id"]
        for name, flags in (spec.get("x-amazon-apigateway-request-validators") or {}).items()
    }
    for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
        _ok(rest._put_gateway_response(api_id, kind, response))
    schemes = rest._import_security_schemes(api_id, spec)
    for path, item in (spec.get("paths") or {}).items():
        rest._import_path_item(api_id, path, {}, schemes, None)  # makes the resources only
        resource_id = next(k for k, r in rest._resources[api_id].items() if r["path"] == (path if path == "/" else path.rstrip("/")))
        for verb, operation in item.items():
            if verb.lower() in rest._OPENAPI_HTTP_METHODS or verb == "x-amazon-apigateway-any-method":
                _import_operation(api_id, resource_id, "ANY" if verb.startswith("x-") else verb.upper(), operation, spec, item, schemes, validators)


def _import_operation(api_id, resource_id, verb, operation, spec, item, schemes, validators):
    location = {"path": "path", "query": "querystring", "header": "header"}
    parameters = {
        f"method.request.{location[p['in']]}.{p['name']}": bool(p.get("required"))
        for p in (item.get("parameters") or []) + (operation.get("parameters") or []) if p.get("in") in location
    }
    models = {
        kind: media["schema"]["$ref"].rsplit("/", 1)[1]
        for kind, media in ((operation.get("requestBody") or {}).get("content") or {}).items() if "$ref" in (media.get("schema") or {})
    }
    validator = operation.get("x-amazon-apigateway-request-validator", spec.get("x-amazon-apigateway-request-validator"))
    security = operation.get("security", spec.get("security"))
    _ok(rest._put_method(api_id, resource_id, verb, {
        **rest._method_security(security, schemes), "operationName": operation.get("operationId", ""),
        "requestParameters": parameters, "requestModels": models, "requestValidatorId": validators.get(validator),
    }))
    for status, response in (operation.get("responses") or {}).items():
        headers = {f"method.response.header.{h}": False for h in (response.get("headers") or {})}
        _ok(rest._put_method_response(api_id, resource_id, verb, str(status), {"responseParameters": headers}))
    integration = operation.get("x-amazon-apigateway-integration")
    if integration:
        fields = {k: v for k, v in integration.items() if k not in ("type", "responses")}
        _ok(rest._put_integration(api_id, resource_id, verb, {"type": integration["type"].upper(), **fields}))
        for pattern, response in (integration.get("responses") or {}).items():
            selection = {} if pattern == "default" else {"selectionPattern": pattern}
            _ok(rest._put_integration_response(api_id, resource_id, verb, str(response["statusCode"]), {**response, **selection}))


async def handle_request(method, path, headers, body, query_params):
    parts = [p for p in path.strip("/").split("/") if p]
    mode = query_params.get("mode") if query_params else None
    mode = mode[0] if isinstance(mode, list) else mode
    put = method == "PUT" and len(parts) == 2 and parts[0] == "restapis"
    imported = method == "POST" and parts == ["restapis"] and mode == "import"
    if not (put or imported):
        return await _handle(method, path, headers, body, query_params)
    try:
        spec = json.loads(body)
    except ValueError:
        return rest._v1_error("BadRequestException", "Invalid OpenAPI input.", 400)
    if put and parts[1] not in rest._rest_apis:
        return rest._v1_error("NotFoundException", "Invalid API identifier specified", 404)
    api_id = parts[1] if put else _ok(rest._create_rest_api({}))["id"]
    try:
        _import_openapi(api_id, spec, overwrite=put and mode == "overwrite")
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        if imported:
            rest._delete_rest_api(api_id)
        return rest._v1_error("BadRequestException", f"Errors found during import: {error}", 400)
    status, head, answer = rest._get_rest_api(api_id)
    return (status if put else 201), head, answer
