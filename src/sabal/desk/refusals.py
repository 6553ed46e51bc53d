"""A Refusal anywhere in a view becomes a page with its sentence and the way back. Nothing was changed."""

from collections.abc import Callable
from datetime import date

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext

from sabal.petitions.definition import FolderError
from sabal.refusal import Refusal


class Refusals:
    """Show refusals as pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refusal):
            return render(request, "desk/refused.html", {"reason": said(error)}, status=409)
        return None


def said(error: Refusal) -> str:
    """Return the reasons in the reader's language, those that other packages give too."""
    if isinstance(error, FolderError) or not error.sentence:
        return str(error)
    values = {name: _shown(value) for name, value in error.values.items()}
    sentence = gettext(error.sentence)
    return " ".join([sentence % values if values else sentence, *map(said, error.also)])


def _shown(value: object) -> object:
    return date_format(value) if isinstance(value, date) else value
