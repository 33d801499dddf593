"""References: what stands after `/manifests/`, a tag name or a digest."""

from wharf.oci.digest import Digest
from wharf.oci.names import TagName


def parse(text: str) -> TagName | Digest:
    """A text with a colon is a digest, any other a tag name; raises DigestInvalid or TagInvalid."""
    return Digest.parse(text) if ":" in text else TagName.parse(text)
