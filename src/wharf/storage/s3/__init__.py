"""The s3 driver: objects in a bucket. `driver.py` is what the room sees, `plan.py` the arithmetic of parts."""

from wharf.storage.s3.driver import S3Storage

__all__ = ["S3Storage"]
