"""Reasons that other packages give reach the reader of the desk in their own language."""

from datetime import date

import pytest
from django.utils.translation import override

from desk_clients import person
from sabal.accounts.acts import TeamRole
from sabal.desk.refusals import said
from sabal.publishing import states
from sabal.refusal import Refusal
from sites import EXAMPLE, TODAY, SiteOfTests

SLUG = EXAMPLE.name


def test_a_reason_of_the_core_is_said_in_korean_with_its_values(site: SiteOfTests) -> None:
    site.publish()
    states.close(SLUG, TODAY)
    with pytest.raises(Refusal) as refused:
        states.resume(SLUG, date(2026, 12, 31))
    assert str(refused.value) == (
        f"{SLUG} was closed on 2026-11-24. It can be opened again for 14 days only."
    )
    with override("ko"):
        assert said(refused.value) == (
            f"{SLUG}은(는) 2026년 11월 24일에 종료되었습니다. 종료 뒤 14일 동안만 다시 열 수 있습니다."
        )


def test_further_reasons_follow(site: SiteOfTests) -> None:
    error = Refusal("This cannot be an amendment of %(slug)s.", [Refusal("100 % odd")], slug="trees")
    assert said(error) == str(error) == "This cannot be an amendment of trees. 100 % odd"


def test_a_refused_page_is_in_the_readers_language(site: SiteOfTests) -> None:
    olga = person("olga@example.org", TeamRole.OWNER)
    site.publish()
    olga.browser.post("/language", {"language": "ko"})
    states.close(SLUG, TODAY)
    answer = olga.browser.post(f"/petitions/{SLUG}/pause", {"words": ""})
    assert answer.status_code == 409
    assert "진행 중인 청원만 일시 중지할 수 있습니다." in answer.content.decode()
