"""The proofs of a delivery: added, looked at, shown to everybody or to the team alone."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts.acts import Act
from sabal.delivery import record
from sabal.delivery.rows import Proof, Step
from sabal.desk.access import of_petition, user_of
from sabal.desk.answerpages import attach, back, found_of, page, posted, received
from sabal.desk.proofforms import MoreProofForm
from sabal.petitions.models import Petition

MEDIA = {"pdf": "application/pdf", "webp": "image/webp"}


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def add(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Add a proof to what is recorded already."""
    step = Step.objects.filter(pk=pk, petition=petition).first()
    if step is None:
        raise Http404
    found = found_of(petition, step.recipient)
    language = found.snapshot.definition.authoritative
    form = MoreProofForm(*posted(request), language=language, received=received(request))
    if request.method == "POST" and form.is_valid():
        attach(request, step, form)
        messages.success(request, gettext("The proof is added."))
        return back(petition, step.recipient)
    context = {
        "recipient": step.recipient,
        "name": found.name(step.recipient),
        "form": form,
        "heading": gettext("Add a proof"),
    }
    return page(request, petition, "record_step", context)


@require_safe
@of_petition(Act.VIEW)
def show(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Answer with a proof. Nothing in it can run."""
    found = Proof.objects.filter(pk=pk, petition=petition).first()
    if found is None:
        raise Http404
    how = "inline" if found.media == "webp" else "attachment"
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f'{how}; filename="{found.digest[:16]}.{found.media}"',
    }
    return HttpResponse(bytes(found.data), content_type=MEDIA[found.media], headers=headers)


@require_POST
@of_petition(Act.SEND)
def let_see(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Let everybody see a proof, or only the team."""
    found = (
        Proof.objects.select_related("petition", "step")
        .defer("data")
        .filter(pk=pk, petition=petition)
        .first()
    )
    if found is None:
        raise Http404
    record.show_proof(found, request.POST.get("seen_by") == "public", user=user_of(request))
    return back(petition, found.step.recipient)
