"""Why a file cannot be read, in the system's words."""


def cause(error: OSError | UnicodeDecodeError) -> str:
    """The cause alone: an exception's own text repeats the file, or holds a part of it."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not {error.encoding.upper()}"
    return error.strerror or type(error).__name__
