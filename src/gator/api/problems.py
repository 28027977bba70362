"""Errors over HTTP: RFC 9457 problem details, with the codes of the socket."""

from http import HTTPStatus
from math import ceil

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gator.protocol.errors import ERRORS, ErrorCode, Refusal

MEDIA_TYPE = "application/problem+json"


def problem(refusal: Refusal) -> JSONResponse:
    """Word a refusal as a problem."""
    row = ERRORS[refusal.code]
    headers = {}
    if refusal.retry_after_ms is not None:
        headers["Retry-After"] = str(ceil(refusal.retry_after_ms / 1000))
    if row.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "type": f"urn:gator:error:{refusal.code}",
        "title": row.meaning,
        "status": row.http_status,
        "detail": refusal.detail,
        "code": refusal.code,
    }
    if refusal.retry_after_ms is not None:
        body["retry_after_ms"] = refusal.retry_after_ms
    return JSONResponse(body, row.http_status, headers, MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Answer every failure of the application with a problem."""

    @app.exception_handler(Refusal)
    def refused(request: Request, refusal: Refusal) -> JSONResponse:
        request.app.state.api.metrics.refused.labels(refusal.code).inc()
        return problem(refusal)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        request.app.state.api.metrics.refused.labels("invalid_command").inc()
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(Refusal("invalid_command", f"{where}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    def http(_request: Request, error: HTTPException) -> JSONResponse:
        codes: dict[int, ErrorCode] = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
        code = codes.get(error.status_code, "invalid_command" if error.status_code < 500 else "internal")
        response = problem(Refusal(code))
        response.headers.update(error.headers or {})  # `Allow`, with 405 (RFC 9110 §15.5.6)
        return response

    @app.exception_handler(Exception)
    def failed(_request: Request, _error: Exception) -> JSONResponse:
        # Logged and counted by the middleware, which sees it as well.
        return problem(Refusal("internal"))
