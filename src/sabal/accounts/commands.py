"""`sabal owner` and `sabal sign-in`: links for the first owner, and for people who lost access."""

from datetime import UTC, datetime

import click

from sabal import settings


@click.command()
@click.argument("email")
def owner(email: str) -> None:
    """Print a one-time link that makes EMAIL an owner of the whole site. It is valid for 24 hours."""
    _set_up()
    from sabal.mail.address import EmailAddress
    from sabal.refusal import Refusal

    try:
        address = EmailAddress.parse(email)
    except ValueError:
        raise Refusal(f"{email} is not an email address.") from None
    _say(owner_link(address.typed))


@click.command("sign-in")
@click.argument("email")
def sign_in(email: str) -> None:
    """Print a one-time link for a person who has lost the password or the second factor. Roles stay as they are."""
    _set_up()
    from sabal.accounts.models import User
    from sabal.refusal import Refusal

    if not User.objects.filter(email__iexact=email).exists():
        raise Refusal(f"Nobody uses the desk with {email}. To make an owner of the site: sabal owner {email}")
    _say(_link(email, ""))


def _set_up() -> None:
    import django

    django.setup()
    settings.use_served_address()


def _say(link: str) -> None:
    click.echo("Open this link within 24 hours. It works once. Anyone who has it can use it:")
    click.echo(link)


def owner_link(email: str) -> str:
    """Return the address of a new one-time link for an owner of the site."""
    from sabal.accounts.acts import TeamRole

    return _link(email, TeamRole.OWNER)


def _link(email: str, role: str) -> str:
    from sabal.accounts.invitations import invite

    token = invite(email, role, datetime.now(UTC), invited_by=None)
    return f"{settings.DESK_URL}/welcome/{token}"
