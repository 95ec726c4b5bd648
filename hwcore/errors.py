"""The one exception that users see."""


class HwcoreError(Exception):
    """Something the user can mend: a bad key, a missing file, a failed download.

    The message is one or two lines that name the file, the key, the value and what would be
    right.  Whoever runs a job or reads the configuration prints it without a traceback and
    exits with a status other than 0.
    """
