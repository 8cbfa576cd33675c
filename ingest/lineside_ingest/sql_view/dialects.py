"""What differs between databases: how a session is kept from writing, what its clock and its identity are. Pure data.

SQL Server has no read-only session: there the account's rights and a rollback after every read keep us from writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """driver: what a URL that names none gets. connect: the driver's arguments; session: the first statements of every
    read; in both `{s}` and `{ms}` stand for the time limit. clock, identity: statements whose last column is the time
    in UTC, and what tells this database from one made anew; empty where the database knows none.
    refusals: the error codes that trying again does not mend."""

    driver: str
    connect: Mapping[str, str] = field(default_factory=dict)
    engine: Mapping[str, str] = field(default_factory=dict)
    session: tuple[str, ...] = ()
    clock: str = ""
    identity: str = ""
    refusals: frozenset[str] = frozenset()


_MYSQL = Dialect(
    driver="pymysql",
    # Per packet, not per statement: a limit of the server's own would count the time that we take to keep the rows.
    connect={"connect_timeout": "{s}", "read_timeout": "{s}", "write_timeout": "{s}"},
    session=(
        "SET SESSION net_write_timeout = 3600",  # the server hangs up on who reads slower than this
        "SET SESSION lock_wait_timeout = {s}",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    clock="SELECT UTC_TIMESTAMP(6)",
    identity="SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')",
    refusals=frozenset(
        {"1044", "1045", "1049", "1054", "1064", "1142", "1143", "1146", "1356", "1698", "1820", "4151"}
    ),
)

DIALECTS = {
    "sqlite": Dialect(driver="pysqlite", session=("BEGIN",)),
    "postgresql": Dialect(
        driver="psycopg",
        connect={"connect_timeout": "{s}"},
        engine={"isolation_level": "REPEATABLE READ"},
        session=("SET LOCAL statement_timeout = {ms}", "SET LOCAL lock_timeout = {ms}"),
        clock="SELECT clock_timestamp()",
        identity=(
            "SELECT concat(c.system_identifier, '/', d.oid) FROM pg_control_system() c, pg_database d"
            " WHERE d.datname = current_database()"
        ),
        refusals=frozenset({"28000", "28P01", "3D000", "42501", "42P01", "42703", "42601", "3F000", "42883", "25006"}),
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mssql": Dialect(
        driver="pymssql",
        connect={"login_timeout": "{s}", "timeout": "{s}", "read_only": "true"},
        session=("SET LOCK_TIMEOUT {ms}",),
        clock="SELECT SYSUTCDATETIME()",
        identity="SELECT CONVERT(varchar(33), create_date, 126) FROM sys.databases WHERE database_id = DB_ID()",
        refusals=frozenset({"18456", "18452", "18470", "18486", "18487", "18488", "4060", "208", "207", "229", "102"}),
    ),
    "oracle": Dialect(
        driver="oracledb",
        connect={"tcp_connect_timeout": "{s}"},
        session=("SET TRANSACTION READ ONLY",),
        clock="SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM dual",
        identity="SELECT TO_CHAR(created, 'YYYY-MM-DD HH24:MI:SS') FROM all_users WHERE user_id = 0",
        refusals=frozenset({"1017", "1031", "1045", "28000", "28001", "28002", "942", "904", "900", "933", "12514"}),
    ),
}  # fmt: skip
EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "mssql": "mssql", "oracle": "oracle"}
