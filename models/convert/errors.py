"""The one error of the converter."""


class ConvertError(Exception):
    """The input cannot be converted; the text names what, where and why, in one line."""
