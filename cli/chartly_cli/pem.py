"""Certificates from PEM files, checked before others read them."""

import re
import ssl
from pathlib import Path

from chartly.api.place import Place
from chartly_folder.read_failure import cause

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----", re.DOTALL)


def check_authority(path: Path, option: str) -> None:
    """Returns if TLS can trust the certificates of a file.

    Raises:
        SpecError: it cannot be read, or contains no certificate.
    """
    why = "must be a file of PEM certificates"
    try:
        ssl.create_default_context().load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise Place(object=option).refusal(why, value=str(path)) from None
    except OSError as error:
        why += f"; it cannot be read: {cause(error)}"
        raise Place(object=option).refusal(why, value=str(path)) from None


def read_certificates(path: Path, option: str) -> str:
    """The certificates in a file, without anything else in it.

    Raises:
        SpecError: it cannot be read, contains no certificate, or contains a private key.
    """
    place = Place(object=f"{option} {path}")
    try:
        text = path.read_text(encoding="ascii").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise place.refusal(f"cannot be read: {cause(error)}") from None
    if "PRIVATE KEY" in text:
        raise place.refusal("holds a private key; give the certificates alone")
    certificates = _BLOCK.findall(text)
    try:
        for certificate in certificates:
            ssl.create_default_context(cadata=certificate)
    except ssl.SSLError:
        certificates = []
    if not certificates:
        raise place.refusal("holds no certificate in PEM")
    return "\n".join(certificates) + "\n"
