"""Contacts are found in every language, and what only has numbers is none."""

import pytest

from sabal.petitions.letters.contacts import contact_in
from sabal.petitions.letters.words import words_of

CONTACTS = {
    "en": ["Write to help@bus.example", "Tel. 020 7946 0958", "+44 20 7946 0958", "Contact: Ann Lee",
           "ann (at) bus dot example",
           "IBAN DE89 3704 0044 0532 0130 00", "see https://bus.example/contact", "WhatsApp: 07700 900123",
           "Donations: Sort code 12-34-56, Account 12345678", "Telegram @nightbus"],
    "ko": ["연락처: 010-1234-5678", "문의 02-123-4567", "계좌 123456-01-234567 홍길동",
           "담당자: 김철수", "전화번호 010 1234 5678"],
    "zh-hans": ["联系电话：13812345678", "微信号：nightbus", "账号 6222020200112233445", "电话 021-12345678"],
    "zh-hant": ["查詢電話：2345 6789", "電郵：friends@library.example", "帳號 012-345-678901-234"],
    "ja": ["電話 03-1234-5678", "連絡先：山田", "メール：ｙａｍａｄａ＠ｂｕｓ．example"],
    "fr": ["Tél. : 01 42 68 53 00", "Contact : Jeanne Martin"],
    "de": ["Konto 1234567 bei der Sparkasse", "Telefon 030 1234567", "Ansprechpartnerin: Eva Roth"],
    "es": ["Tel.: 91 123 45 67", "correo: a@b.es"],
    "ru": ["тел. 8 (495) 123-45-67", "счёт 40817810099910004312"],
    "ar": ["هاتف: ٠١٢٣٤٥٦٧٨٩", "للتواصل: school@hay.example"],
    "vi": ["ĐT: 0912 345 678", "Liên hệ: anh Nam"],
}  # fmt: skip
NO_CONTACTS = {
    "en": ["In 2019, 12,500 people", "12 March 2026", "2026-03-12", "the 1951 Convention and its 1967 Protocol",
           "between 1990 and 2020-2021", "lines 10, 12 and 14", "The council's contact with the ministry was poor.",
           "We lost contact: 300 people left", "It cost 1 250 000 pounds", "https://bus.example/petition"],
    "ko": ["2026년 3월 12일", "하루에 1234명이 이용합니다"],
    "zh-hans": ["２０２６年", "每天有12345人"],
    "fr": ["le compte rendu du 12 mars 2026"],
    "ar": ["في عام ٢٠٢٤"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text"), [(one, text) for one, texts in CONTACTS.items() for text in texts]
)
def test_a_contact_is_found(language: str, text: str) -> None:
    assert contact_in(text, words_of(language))


@pytest.mark.parametrize(
    ("language", "text"), [(one, text) for one, texts in NO_CONTACTS.items() for text in texts]
)
def test_a_number_alone_is_no_contact(language: str, text: str) -> None:
    assert contact_in(text, words_of(language)) == ""
