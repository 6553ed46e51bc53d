"""What happened to a petition reaches other processes without loading its text again."""

from sabal.petitions.models import Petition
from sites import SiteOfTests


def test_a_change_of_what_happened_is_noticed_and_the_text_is_not_loaded_again(site: SiteOfTests) -> None:
    before = site.publish()
    Petition.objects.get(pk=before.id).progressed()
    site.refresh()
    after = site.petition()
    assert (before.progress.number, after.progress.number) == (0, 1)
    assert after.definition is before.definition and after.revision == before.revision


def test_a_new_text_keeps_what_happened(site: SiteOfTests) -> None:
    published = site.publish()
    Petition.objects.get(pk=published.id).progressed()
    Petition.objects.filter(pk=published.id).update(revision=published.revision + 1)
    site.refresh()
    assert site.petition().progress.number == 1
