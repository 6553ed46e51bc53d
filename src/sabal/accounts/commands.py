"""`sabal owner`: the first person who may use the desk, or a link for one who cannot sign in any more."""

from datetime import UTC, datetime

import click

from sabal import settings


@click.command()
@click.argument("email")
def owner(email: str) -> None:
    """Print a link with which EMAIL can use the desk and owns the whole site. It works once, within 24 hours.

    For a person who has lost the password or the second factor, the same command makes a new link.
    """
    import django

    django.setup()
    settings.use_served_address()
    from sabal.mail.address import EmailAddress
    from sabal.refusal import Refusal

    try:
        address = EmailAddress.parse(email)
    except ValueError:
        raise Refusal(f"{email} is not an email address.") from None
    click.echo("Open this link within 24 hours. It works once, and lets in whoever has it:")
    click.echo(owner_link(str(address)))


def owner_link(email: str) -> str:
    """Return the address of a new one-time link for an owner of the site."""
    from sabal.accounts.acts import TeamRole
    from sabal.accounts.invitations import invite

    token = invite(email, TeamRole.OWNER, datetime.now(UTC), invited_by=None)
    return f"{settings.DESK_URL}/welcome/{token}"
