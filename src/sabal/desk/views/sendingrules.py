"""At which numbers of signatures the server sends to recipients by itself."""

from datetime import UTC, datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.delivery import contacts
from sabal.delivery.sendings import SendingRules
from sabal.desk.access import of_petition, user_of
from sabal.desk.sendforms import RulesForm
from sabal.desk.sentpages import languages_of, takes_email
from sabal.desk.views.contacts import of_page
from sabal.desk.views.sendings import contact_of, snapshot_of
from sabal.petitions.models import Petition


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.SEND)
def rules(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Choose at which numbers the server sends by itself."""
    seen, now = snapshot_of(petition), datetime.now(UTC)
    saved = SendingRules.objects.filter(petition=petition).first()
    found = [one for one in contacts.addressees(petition, seen.definition) if one.listed]
    names = ("first", "every", "final", "days_between", "reply_to")
    initial = {name: getattr(saved, name) for name in names} if saved else {"reply_to": contact_of(petition)}
    languages = languages_of([one for one in found if takes_email(one, now)], seen, now)
    form = RulesForm(
        request.POST or None, languages=languages, here=get_language() or "en", saved=saved, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            values = {name: form.cleaned_data[name] for name in names}
            # Numbers that were passed already do not send anything.
            reached = max(seen.counts.counted, saved.reached if saved else 0)
            values |= {"words": form.words, "user": user_of(request), "held": False, "reached": reached}
            SendingRules.objects.update_or_create(petition=petition, defaults=values)
            said = (
                f"{values['first'] or '–'} / {values['every'] or '–'} / {'final' if values['final'] else '–'}"
            )
            audit.record(user_of(request), "sending-rules", petition=petition, details=said)
        return HttpResponseRedirect(reverse("sendings", args=[petition.slug]))
    context = {
        **of_page(request, petition, seen.definition),
        "form": form,
        "counted": seen.counts.counted,
        "gathering": seen.gathering,
        "held": saved is not None and saved.held,
    }
    return render(request, "desk/sending_rules.html", context, status=422 if form.errors else 200)
