"""Every address of the desk."""

from allauth.account import views as account
from django.urls import include, path, re_path

from sabal.desk.views import (
    assets,
    editing,
    history,
    home,
    jobs,
    keys,
    organisations,
    people,
    petitions,
    start,
    welcome,
)

urlpatterns = [
    path("", home.show, name="home"),
    path("welcome/<str:token>", welcome.welcome, name="welcome"),
    path("language", home.choose_language, name="language"),
    path("new", start.new, name="new"),
    path("petitions/<slug:slug>", petitions.show, name="petition"),
    path("petitions/<slug:slug>/terms", editing.terms, name="terms"),
    path("petitions/<slug:slug>/text/<slug:language>", editing.text, name="text"),
    path("petitions/<slug:slug>/discard", petitions.discard, name="discard"),
    path("petitions/<slug:slug>/key", keys.choose, name="key"),
    path("petitions/<slug:slug>/key/check-file", keys.check_file, name="check-file"),
    path("petitions/<slug:slug>/key/code", keys.answer, name="check-code"),
    path("petitions/<slug:slug>/publish", keys.publish, name="publish"),
    path("petitions/<slug:slug>/jobs/<uuid:job>", jobs.show, name="job"),
    path("petitions/<slug:slug>/jobs/<uuid:job>/cancel", jobs.cancel, name="cancel-job"),
    path("petitions/<slug:slug>/pause", petitions.pause, name="pause"),
    path("petitions/<slug:slug>/resume", petitions.resume, name="resume"),
    path("petitions/<slug:slug>/close", petitions.close, name="close"),
    path("petitions/<slug:slug>/organisation", petitions.assign, name="assign"),
    path("petitions/<slug:slug>/preview", petitions.preview, name="preview"),
    path("organisations", organisations.index, name="organisations"),
    path("organisations/<slug:key>", organisations.edit, name="organisation"),
    path("people", people.index, name="people"),
    path("people/invite", people.invite, name="invite"),
    path("people/invitations/<int:pk>/withdraw", people.withdraw_invitation, name="withdraw-invitation"),
    path("people/<int:pk>", people.change, name="member"),
    path("people/<int:pk>/remove", people.remove, name="remove-member"),
    path("history", history.index, name="history"),
    path("history.csv", history.as_csv, name="history-csv"),
    path("desk.css", assets.style, name="style"),
    path("organiser.html", assets.page_for_organisers, name="organiser-page"),
    path("favicon.svg", assets.favicon, name="favicon"),
    # Of allauth's addresses only those that are used: nobody signs up, and passwords are not reset by email.
    path("account/login/", account.login, name="account_login"),
    path("account/logout/", account.logout, name="account_logout"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/security/", include("allauth.mfa.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
    # The preview has the addresses of the public site, so that links within its pages lead to its pages.
    re_path(
        r"^(?P<language>[a-z]{2,3}(-[a-z0-9]+)*)/(?P<slug>[a-z0-9-]+)(/sign|/sent|/versions|/card\.png)?$",
        petitions.preview_page,
        name="preview-page",
    ),
]
handler404 = "sabal.desk.views.errors.not_found"
handler403 = "sabal.desk.views.errors.forbidden"
handler500 = "sabal.desk.views.errors.failed"
