"""The names of Glue's transforms, for `from awsglue.transforms import *`. None of them works."""

from . import NotHere

__all__ = [
    "ApplyMapping", "DropFields", "DropNullFields", "ErrorsAsDynamicFrame", "EvaluateDataQuality", "FillMissingValues", "Filter",
    "FindIncrementalMatches", "FindMatches", "FlatMap", "GlueTransform", "Join", "Map", "MapToCollection", "MergeDynamicFrame",
    "Relationalize", "RenameField", "ResolveChoice", "SelectFields", "SelectFromCollection", "Spigot", "SplitFields", "SplitRows",
    "UnboxFields", "UnnestFrame",
]


class _Missing:
    def __init__(self, name):
        self._name = name

    def __call__(self, *_args, **_options):
        raise NotHere(self._name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotHere(self._name + "." + name)


for _name in __all__:
    globals()[_name] = _Missing(_name)
