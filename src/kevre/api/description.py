"""The API's own description (OpenAPI): with its problems, tokens and keys."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from kevre.formats import problem

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "where": {"type": "string"},
        "hint": {"type": "string"},
    },
}
_SECURITY: dict[str, Any] = {
    "oauth": {
        "type": "oauth2",
        "description": "An application's token; see /.well-known/oauth-authorization-server.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize",
                "tokenUrl": "/oauth/token",
                "refreshUrl": "/oauth/token",
                "scopes": {"readings:P1D": "Readings, one value for a day; others by resolution"},
            },
            "clientCredentials": {
                "tokenUrl": "/oauth/token",
                "scopes": {"readings:P1D": "Readings, one value for a day; others by resolution"},
            },
        },
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}
_PROBLEMS = {
    "4XX": "The caller can mend it: what to do stands in `hint`",
    "5XX": "The node cannot answer now; `Retry-After` says when to try again",
}


class Api(NinjaAPI):
    """Ninja, which describes problems as they are answered."""

    def get_openapi_schema(self, **given: Any) -> OpenAPISchema:
        """Describe every path, with what it answers when it refuses."""
        described = super().get_openapi_schema(**given)
        components = described.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = _PROBLEM
        components.setdefault("securitySchemes", {}).update(_SECURITY)
        for path in described["paths"].values():
            for operation in path.values():
                _complete(operation)
        return described


def _complete(operation: dict[str, Any]) -> None:
    # Reading needs nobody: a guest reads what is open to everyone.
    operation.setdefault("security", [{}, {"oauth": []}, {"session": []}])
    for status, meaning in _PROBLEMS.items():
        content = {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"][status] = {"description": meaning, "content": content}
