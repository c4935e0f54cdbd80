"""Every way to write that a statement has, tried by the mightiest user there is: 0 changes.

SQLite's own ways are in ``test_sqlite.py``, where files are looked at byte by byte.
"""

from contextlib import suppress

import pytest

from verifier.checks.reason import CannotTell, UnknownReason

EVERYWHERE = [
    "insert into t values (4, 'w')",
    "update t set a = 9",
    "delete from t",
    "truncate table t",
    "drop table t",
    "alter table t add column c integer",
    "create table u (a integer)",
    "create table u as select * from t",
    "create temporary table u (a integer)",
    "create view v as select 1 as a",
    "select 1; insert into t values (4, 'w')",
    "select 1; commit; insert into t values (4, 'w')",
    "commit",
    "commit; insert into t values (4, 'w')",
    "rollback; insert into t values (4, 'w')",
    "begin; insert into t values (4, 'w'); commit",
    "with d as (select 4 as a) insert into t select a, 'w' from d",
    "select * into u from t",
    "select a from t for update",
    "explain analyze delete from t",
    "-- select\ndelete from t",
    "/* select */ delete from t",
    "(select 1); delete from t",
]
OWN = {
    "postgresql": [
        "set transaction read write",
        "set session characteristics as transaction read write",
        "set default_transaction_read_only = off",
        "begin read write",
        "start transaction read write",
        "select set_config('transaction_read_only', 'off', true)",
        "select set_config('transaction_read_only', 'off', false), write_w()",
        "select set_config('default_transaction_read_only', 'off', false)",
        "with d as (delete from t returning *) select * from d",
        "with d as (insert into t values (4, 'w') returning *) select * from d",
        "with d as (update t set a = 9 returning *) select * from d",
        # The server takes the backslash for a quote within the text, we do not.
        r"select e'\'', 1; commit; insert into t values (4, chr(119)); select '1'",
        "copy t to program 'cat > {folder}/stolen'",
        "copy (select 1) to program 'touch {folder}/stolen'",
        "copy t to '{folder}/stolen'",
        "copy t from program 'echo 4'",
        "select write_w()",
        "select * from write_w()",
        "select (select write_w())",
        "select 1 where write_w() = 1",
        "values (write_w())",
        "select * from looks_harmless",
        "select nextval('s')",
        "select setval('s', 99)",
        "select lo_creat(-1)",
        "select lo_from_bytea(0, 'x')",
        "select lo_export(1, '{folder}/stolen')",
        "select lo_import('/etc/hostname')",
        "select query_to_xml('insert into t values (4)', true, true, '')",
        "select pg_logical_emit_message(false, 'a', 'b')",
        "select pg_create_restore_point('x')",
        "select pg_switch_wal()",
        "select pg_stat_reset()",
        "select pg_advisory_lock(1)",
        "select dblink_exec('dbname=postgres', 'delete from t')",
        "do $$ begin insert into t values (4, 'w'); end $$",
        "call write_p()",
        "prepare p as insert into t values (4, 'w')",
        "declare c cursor with hold for select 1",
        "lock table t",
        "listen x",
        "create extension dblink",
        "alter system set jit = off",
        "reset role",
        "vacuum",
        "analyze t",
        "reindex table t",
        "refresh materialized view m",
        "merge into t using t as s on t.a = s.a when matched then delete",
        "table t; delete from t",
    ],
    "mariadb": [
        "set transaction read write",
        "set session transaction read write",
        "set session transaction read write; delete from t",
        "start transaction read write",
        "set autocommit = 1",
        "select 1 into outfile '{folder}/stolen'",
        "select 'a\\'' into outfile '{folder}/stolen' -- '",
        "select 1 /*! into outfile '{folder}/stolen' */",
        "select 1 /*M! into dumpfile '{folder}/stolen' */",
        "select 1 /*!50000 into outfile '{folder}/stolen' */",
        "select a from t limit 1 into dumpfile '{folder}/stolen'",
        "select a into @a from t limit 1",
        "select write_w()",
        "select write_myisam()",
        "select * from (select write_w()) as d",
        "select 1 where write_w() = 1",
        "values (write_w())",
        "select * from looks_harmless",
        "select nextval(s)",
        "select next value for s",
        "select setval(s, 99)",
        "select a from t lock in share mode",
        "select get_lock('job', 0)",
        "insert into myisam values (4)",
        "delete from t returning a",
        "insert into t values (4, 'w') returning a",
        "replace into t values (4, 'w')",
        "handler t open",
        "do write_w()",
        "call write_p()",
        "prepare p from 'delete from t'",
        "execute immediate 'delete from t'",
        "load data infile '/etc/hostname' into table t",
        "load data local infile '/etc/hostname' into table t",
        "lock tables t write",
        "flush tables",
        "analyze table t",
        "optimize table t",
        "set global read_only = 1",
        "kill 1",
    ],
    "duckdb": [
        "with d as (delete from t returning *) select * from d",
        "copy t to '{folder}/stolen'",
        "copy (select 1) to '{folder}/stolen.parquet' (format parquet)",
        "export database '{folder}/stolen'",
        "attach '{folder}/stolen.db'",
        "attach ':memory:' as m",
        "install httpfs",
        "load httpfs",
        "load '{folder}/evil.duckdb_extension'",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "reset lock_configuration",
        "pragma enable_external_access",
        "pragma enable_profiling",
        "set log_query_path = '{folder}/stolen'",
        "set profiling_output = '{folder}/stolen'",
        "checkpoint",
        "force checkpoint",
        "vacuum",
        "use memory",
        "detach shop",
        "select nextval('s')",
        "select * from query('delete from t')",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/hostname')",
        "select * from glob('/etc/*')",
        "select * from '/etc/hostname'",
        "from read_blob('/etc/hostname')",
        "create macro f() as 1",
        "create secret (type s3)",
        "create sequence z",
        "create schema x",
        "prepare p as delete from t",
        "call pragma_version()",
        "merge into t using t as s on t.a = s.a when matched then delete",
        "pragma database_list",
        "create temp view v as select 1",
    ],
}
PREPARED = {
    "postgresql": [
        "create sequence s",
        "create materialized view m as select 1",
        "create function write_w() returns integer language sql as "
        "$$ insert into t values (4, 'w'); select 1 $$",
        "create procedure write_p() language sql as $$ insert into t values (4, 'w') $$",
        "create view looks_harmless as select write_w() as a",
    ],
    "mariadb": [
        "create sequence s",
        "create table myisam (a integer) engine = MyISAM",
        "create function write_w() returns integer modifies sql data "
        "begin insert into t values (4, 'w'); return 1; end",
        "create function write_myisam() returns integer modifies sql data "
        "begin insert into myisam values (4); return 1; end",
        "create procedure write_p() insert into t values (4, 'w')",
        "create view looks_harmless as select write_w() as a",
    ],
    "duckdb": ["create sequence s"],
}
INVENTORY = {
    "postgresql": "select relname, relkind, relfilenode from pg_class "
    "where relnamespace = current_schema()::regnamespace order by 1",
    "mariadb": "select table_name, table_type, update_time from information_schema.tables "
    "where table_schema = database() order by 1",
    "duckdb": "select table_name, sql from duckdb_tables() order by 1",
}
SEQUENCE = {
    "postgresql": "select last_value, is_called from s",
    "mariadb": "select next_not_cached_value from s",
    "duckdb": "select last_value from duckdb_sequences()",
}


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ]
)
def kind(request):
    return request.param


def everything(target):
    """All that is in the database and beside it."""
    tables = {
        table: target.rows(f"select * from {table} order by 1")
        for table in ("t", *(["myisam"] if target.kind == "mariadb" else []))
    }
    files = {each: each.read_bytes() for each in sorted(target.folder.rglob("*")) if each.is_file()}
    return (
        tables,
        target.rows(INVENTORY[target.kind]),
        target.rows(SEQUENCE[target.kind]),
        files,
    )


def test_no_statement_writes_whatever_way_it_tries(target, open_store):
    target.write(
        "create table t (a integer, b varchar(10))",
        "insert into t values (1, 'x'), (2, 'y'), (3, 'z')",
        *PREPARED[target.kind],
    )
    target.folder.chmod(0o777)  # the server may be another user
    before = everything(target)
    store = open_store(target, statement_timeout="5s", lock_timeout="1s")
    let_through = []
    reasons = []

    with store.session() as session:
        for sql in [*EVERYWHERE, *OWN[target.kind]]:
            statement = sql.replace("{folder}", str(target.folder))
            try:
                with session.select(statement, {}) as rows:
                    let_through.append((sql, list(rows)))
            except CannotTell as error:
                reasons.append(error.reason)
            with suppress(CannotTell, ValueError):
                session.plain(statement, {}, ["a"])
            # Whatever was refused, the snapshot is still there for the next check.
            with session.select("select count(*) from t", {}) as rows:
                assert list(rows) == [(3,)], sql

    assert everything(target) == before
    assert set(reasons) <= {
        UnknownReason.NOT_READ_ONLY,
        UnknownReason.BAD_QUERY,
        UnknownReason.PERMISSION_DENIED,
        UnknownReason.NO_SUCH_TABLE,
    }
    # These change a setting of a session that ends with the check, and nothing else.
    assert [sql for sql, _ in let_through if "default_transaction_read_only" not in sql] == []
    with store.session() as session, session.select("select count(*) from t", {}) as rows:
        assert list(rows) == [(3,)]


def test_what_only_looks_like_writing_is_asked(target, open_store):
    target.write("create table t (a integer, b varchar(10))", "insert into t values (1, 'into')")

    with (
        open_store(target).session() as session,
        session.select(
            "select a as updated from t where b = 'into' -- insert into t; drop table t", {}
        ) as rows,
    ):
        assert list(rows) == [(1,)]
