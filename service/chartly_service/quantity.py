"""Numbers of things in words."""


def counted(count: int, noun: str) -> str:
    """A number of things, such as ``1 workflow`` or ``2 workflows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
