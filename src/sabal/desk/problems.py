"""The sentences about a petition's files, in the reader's language. `petitions` makes them, and knows no language.

A sentence that names a length or a word of the file has no translation, and is shown as it is.
"""

from django.utils.translation import gettext, gettext_noop

from sabal.petitions.definition import Problem

SENTENCES = (
    gettext_noop("HTML is not allowed. Write Markdown, or put a backslash before a < that is meant."),
    gettext_noop("Images are not allowed."),
    gettext_noop("A link must begin with https:// or mailto: and have an address after it."),
    gettext_noop("Write the link where it is used: [words](https://…)."),
    gettext_noop("There is nothing beneath this heading."),
    gettext_noop("A heading is plain text, without emphasis, code or links."),
    gettext_noop("Headings have two # here (##). The title is at the top of the file."),
    gettext_noop("This text is before the first heading. Begin with a line such as ## Background."),
    gettext_noop("There is no list with the demands."),
    gettext_noop("A demand is one paragraph and, below it, one list of its parts."),
    gettext_noop("The brackets ⟦ and ⟧ cannot be used here. Write [ and ] or leave them out."),
    gettext_noop("A secret key is in this file. Remove it, and use a new key in its place."),
    gettext_noop("`hint` is part of the slug. It must not tell what the petition is about."),
    gettext_noop("`privacy_contact` must be an email address or begin with https://."),
    gettext_noop(
        "A petition folder holds petition.toml, one LANG.md for each language and perhaps picture.webp."
    ),
    gettext_noop("petition.toml is missing."),
    gettext_noop("This is not UTF-8 text. Save the file as UTF-8."),
    gettext_noop("This is not a .zip file, or it is damaged."),
    gettext_noop("This .zip file is too large. A petition folder has at most 10 MB, and 200 kB a file."),
    gettext_noop(
        "This .zip file has too many files. A petition folder has petition.toml and one file for each language."
    ),
    gettext_noop("The .zip file is encrypted. Make it again without a password."),
    gettext_noop("The name of a file in the .zip file leads out of its folder."),
    gettext_noop("The .zip file contains a symbolic link. Put the file itself into it."),
    gettext_noop("The .zip file has folders within the folder. The files of a petition are in one folder."),
    gettext_noop("The .zip file contains this file twice."),
    gettext_noop(
        "The .zip file is packed in a way that is not read here. Make it again as a usual .zip file."
    ),
)
"""The sentences that have a translation. A test finds each of them in `petitions`."""


def said(problem: Problem) -> str:
    """Return the sentence of a problem, in the reader's language if there is one."""
    return gettext(problem.sentence)
