"""Django's settings for every process but the public one: the site's own, and those of the desk.

The worker and the commands use them too, because the tables of the desk belong to the same database: migrations,
deletions that cascade and a restore must know all of them. Public processes use `sabal.settings` and load none of it.
"""

from pathlib import Path
from urllib.parse import urlsplit

from django.contrib.messages import constants

from sabal import settings as site
from sabal.desk.secret import secret

DEBUG = False
SECRET_KEY = secret()
INSTALLED_APPS = [
    *site.INSTALLED_APPS,
    "sabal.accounts",
    "sabal.delivery",
    "sabal.elsewhere",
    "sabal.mailings",
    "sabal.updates",
    "sabal.desk",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_tasks",
    "django_tasks_db",
]
MIDDLEWARE = [
    "sabal.desk.headers.Headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "sabal.desk.autosave.Autosave",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "sabal.desk.second_factor.SecondFactor",
    "sabal.desk.refusals.Refusals",
]
ROOT_URLCONF = "sabal.desk.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sabal.desk.context.of_every_page",
            ]
        },
    }
]

LANGUAGE_CODE = site.LANGUAGE_CODE
LANGUAGES = [("en", "English"), ("ko", "한국어")]  # of the desk; a preview is in the language of the text
LOCALE_PATHS = [*site.LOCALE_PATHS, Path(__file__).parent / "locale"]
USE_I18N, USE_TZ, TIME_ZONE = site.USE_I18N, site.USE_TZ, site.TIME_ZONE
FORMAT_MODULE_PATH = ["sabal.desk.formats"]
DEFAULT_AUTO_FIELD = site.DEFAULT_AUTO_FIELD
LOGGING_CONFIG = site.LOGGING_CONFIG
DATABASES = site.DATABASES
BASE_URL, DATA, DEV = site.BASE_URL, site.DATA, site.DEV

_ADDRESS = urlsplit(site.DESK_URL)
_SECURE = _ADDRESS.scheme == "https"
ALLOWED_HOSTS = [_ADDRESS.hostname or "localhost", "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_ADDRESS.scheme}://{_ADDRESS.netloc}"]
CSRF_FAILURE_VIEW = "sabal.desk.views.errors.stale_form"
# A proxy in front reports the scheme in X-Forwarded-Proto. Without a proxy the desk is on loopback only.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _SECURE else None
# Cookies do not depend on the port: another program on this computer could overwrite them.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sabal_desk", "sabal_desk_form"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 7 * 24 * 3600  # seconds
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # bytes of a form without files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a letter has one field a line
FILE_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024  # bytes of a file; a larger one is not read
FILE_UPLOAD_HANDLERS = [
    "sabal.desk.uploads.ListUpload",  # long lists of subscribers alone
    "django.core.files.uploadhandler.MemoryFileUploadHandler",  # nothing else goes to a disk
]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "sabal.desk.signing_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = (
    "none"  # the desk sends no email: the person who has an invitation link gets the account
)
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_METHODS = ("mfa", "password")
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # seconds
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "reauthenticate": "10/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if _SECURE else 0
_FORMS = "sabal.desk.accountforms"
ACCOUNT_FORMS = {
    "login": f"{_FORMS}.SignIn",
    "change_password": f"{_FORMS}.ChangePassword",
    "reauthenticate": f"{_FORMS}.ConfirmPassword",
}
MFA_FORMS = {
    "authenticate": f"{_FORMS}.SignInByCode",
    "reauthenticate": f"{_FORMS}.ConfirmByCode",
    "activate_totp": f"{_FORMS}.ActivateAppForm",
    "login_webauthn": f"{_FORMS}.SignInByPasskeyForm",
    "authenticate_webauthn": f"{_FORMS}.SecondStepByPasskey",
    "reauthenticate_webauthn": f"{_FORMS}.ConfirmByPasskeyForm",
    "add_webauthn": f"{_FORMS}.NewPasskey",
    "edit_webauthn": f"{_FORMS}.RenamePasskey",
}
MFA_ADAPTER = "sabal.desk.signing_in.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = site.SITE_NAME or _ADDRESS.hostname or "Sabal"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _SECURE  # browsers treat localhost as secure
USERSESSIONS_TRACK_ACTIVITY = False
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
MESSAGE_TAGS = {constants.ERROR: "error", constants.SUCCESS: "done", constants.WARNING: "error"}
# "lists" is desk.transferring.QUEUE: it has a thread of the worker of its own.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "lists"]}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
