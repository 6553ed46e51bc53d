"""Languages in the desk's templates: by name, as people know them."""

from django import template

from sabal.desk.languagenames import language_name

register = template.Library()
register.filter("named", language_name)
