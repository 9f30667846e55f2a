"""The one error of the converter."""


class ConvertError(Exception):
    """The input cannot be converted; the message says in one line what, where and why."""
