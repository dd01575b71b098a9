"""The pages' templates: what is put into them is text, and a name that is missing is an error."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

__all__ = ["template"]


def template(name: str) -> Template:
    """One of the files of ``templates``, which may include others."""
    environment = Environment(
        loader=PackageLoader("nanochart.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
