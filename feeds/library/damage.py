"""Tells an error that means a damaged index from one that means: not now."""

import sqlite3

import msgspec

#: SQLITE_ERROR is that of a table or a column that is not there.
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}


def tells_damage(error: Exception) -> bool:
    """Whether an error says that what is in the index cannot be."""
    if isinstance(error, msgspec.ValidationError | msgspec.DecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    # The low byte is the kind of error; the rest says more of it.
    return code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ
