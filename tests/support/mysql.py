"""The driver for MariaDB: mysqlclient where it is installed, else PyMySQL in its place."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

# The least that every supported Django takes for mysqlclient.
CLAIMED_VERSION = (2, 2, 7, "final", 0)


def install_driver() -> None:
    """mysqlclient is what users should have, but it is built from C headers that few machines have. PyMySQL has the
    same interface in pure Python; Django only looks at the version number, which PyMySQL counts differently."""
    if importlib.util.find_spec("MySQLdb") is None:
        pymysql: Any = importlib.import_module("pymysql")
        pymysql.version_info = CLAIMED_VERSION
        pymysql.install_as_MySQLdb()
