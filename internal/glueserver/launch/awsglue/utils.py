"""Options of a script."""


class GlueArgumentError(Exception):
    """An option is missing, or has no value."""


RESERVED = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "TempDir")


def getResolvedOptions(args, options):
    """The values of the options that are named, from `--name value` or `--name=value`; and those that each job has."""
    given = {}
    rest = list(args[1:])
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            continue
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else None
        given[name.replace("-", "_")] = value

    found = {}
    for name in options:
        value = given.get(name.replace("-", "_"))
        if value is None:
            raise GlueArgumentError("the following arguments are required: --" + name)
        found[name] = value
    for name in RESERVED:
        if given.get(name) is not None:
            found.setdefault(name, given[name])
    return found
