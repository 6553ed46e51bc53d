"""Every route that Django answers. Signing, confirming and withdrawing are the front door's own."""

from django.urls import path

from sabal.api import views as api
from sabal.ledger import views as ledger
from sabal.pages import dev, newsletter
from sabal.pages import petition as petitions

urlpatterns = [
    path("robots.txt", petitions.robots_txt),
    path("favicon.svg", petitions.favicon),
    path(".well-known/security.txt", petitions.security_txt),
    # Asked for by the front door alone, which keeps these pages ready
    path("_door/<str:language>/-/newsletter-confirm", newsletter.confirm_page),
    path("_door/<str:language>/-/unsubscribe", newsletter.unsubscribe_page),
    path("_door/<str:language>/<str:petition_id>/<str:page>", petitions.door_page),
    path("dev/mail/", dev.letters),
    path("dev/mail/<str:name>", dev.letter),
    # For machines
    path("<slug:slug>.json", api.petition),
    path("<slug:slug>/count.json", api.count),
    path("<slug:slug>/manifest.json", api.manifest),
    # The public log
    path("<slug:slug>/log/checkpoint", ledger.checkpoint),
    path("<slug:slug>/log/policy", ledger.policy),
    path("<slug:slug>/log/manifests/<str:digest>.json", ledger.manifest),
    path("<slug:slug>/log/tile/<path:path>", ledger.tile),
    # The newsletter
    path("<str:language>/newsletter", newsletter.subscribe),
    path("<str:language>/newsletter/asked", newsletter.asked),
    path("<str:language>/newsletter/confirm/<str:token>", newsletter.confirm),
    path("<str:language>/newsletter/unsubscribe/<str:token>", newsletter.unsubscribe),
    # The house
    path("<str:language>", petitions.index),
    path("<str:language>/imprint", petitions.imprint),
    path("<str:language>/privacy", petitions.privacy),
    path("<str:language>/verify", petitions.verify),
    # A petition
    path("<str:language>/<slug:slug>", petitions.petition),
    path("<str:language>/<slug:slug>/sent", petitions.sent),
    path("<str:language>/<slug:slug>/card.png", petitions.card),
]

handler404 = petitions.not_found
handler500 = petitions.error
