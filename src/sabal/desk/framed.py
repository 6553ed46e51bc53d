"""Pages of the public site inside the desk: the page itself, in a frame that only the desk may use."""

from django.http import HttpResponse

from sabal.http import Response


def framed(answer: Response) -> HttpResponse:
    """Return a public page as an answer of the desk. Its own policy stays, but the desk may frame it."""
    headers = {name.decode(): value.decode() for name, value in answer.headers if name != b"cache-control"}
    if policy := headers.get("content-security-policy"):
        headers["content-security-policy"] = policy.replace(
            "frame-ancestors 'none'", "frame-ancestors 'self'"
        )
    headers["X-Frame-Options"] = "SAMEORIGIN"
    return HttpResponse(answer.body, status=answer.status, headers=headers)
