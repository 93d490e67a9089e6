"""The log that needs no broker: files and LMDB on one machine."""

from penstock.log.embedded.log import EmbeddedLog, open_embedded

__all__ = ["EmbeddedLog", "open_embedded"]
