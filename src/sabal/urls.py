"""Every route that Django answers. Signing, confirming and withdrawing are the front door's own."""

from django.urls import path

from sabal.petitions import views as petitions

urlpatterns = [
    path("robots.txt", petitions.robots_txt),
    path("favicon.svg", petitions.favicon),
    path(".well-known/security.txt", petitions.security_txt),
    # Asked for by the front door alone, which keeps these pages ready
    path("_door/<str:language>/<str:petition_id>/<str:page>", petitions.door_page),
    # The house
    path("<str:language>", petitions.index),
    path("<str:language>/imprint", petitions.imprint),
    path("<str:language>/privacy", petitions.privacy),
    # A petition
    path("<str:language>/<slug:slug>", petitions.petition),
    path("<str:language>/<slug:slug>/sent", petitions.sent),
    path("<str:language>/<slug:slug>/card.png", petitions.card),
]

handler404 = petitions.not_found
handler500 = petitions.error
