"""Results on disk: written whole or not at all, with what they were made by, and found again."""

from __future__ import annotations

from rdcfunc.files import check_folder, write
from rdcfunc.provenance import provenance, versions
from rdcfunc.rows import Rows

__all__ = ["Rows", "check_folder", "provenance", "versions", "write"]
