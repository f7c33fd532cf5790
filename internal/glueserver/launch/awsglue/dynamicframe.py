"""DynamicFrame as a name for a DataFrame: fromDF and toDF."""

from . import NotHere


class DynamicFrame:
    def __init__(self, frame, glue_ctx, name=""):
        self._frame, self.glue_ctx, self.name = frame, glue_ctx, name

    @classmethod
    def fromDF(cls, dataframe, glue_ctx, name=""):
        return cls(dataframe, glue_ctx, name)

    def toDF(self):
        return self._frame

    def count(self):
        return self._frame.count()

    def printSchema(self):
        self._frame.printSchema()

    def show(self, num_rows=20):
        self._frame.show(num_rows)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotHere("DynamicFrame." + name)


class DynamicFrameCollection:
    def __init__(self, *_args, **_options):
        raise NotHere("DynamicFrameCollection")


class DynamicFrameReader(DynamicFrameCollection):
    pass


class DynamicFrameWriter(DynamicFrameCollection):
    pass
