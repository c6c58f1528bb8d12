"""``forkresized migrate``: the tables of a database, before programs with fewer rights use it."""

import sys

import click


@click.command(short_help="Create the tables of a database, or bring them to this version.")
@click.option(
    "--ledger",
    required=True,
    metavar="URL",
    envvar="FORKRESIZE_LEDGER",
    help="The database: postgresql://USER@HOST/DATABASE, with a user who may create tables.",
)
def migrate(ledger: str) -> None:
    """Create the tables of runs, nodes and gateways in a database, or bring them to this version.

    Programs do that themselves if they have the right to. Run this first if they have the roles of
    deploy/postgresql/roles.sql instead, and roles.sql after it.
    """
    create_tables(ledger)
    sys.stdout.write("the tables are of this version\n")


def create_tables(url: str) -> None:
    """Create all tables, or bring them to this version.

    Args:
        url: of the database, whose user may create tables.

    Raises:
        FieldError: the URL is invalid.
        LedgerError: the database cannot be used, or a later version has changed the tables.
    """
    from forkresize.cluster.database import ClusterDatabase
    from forkresize.gateway.runs.records.postgres import open_postgres
    from forkresize.gateway.runs.records.values import Limits
    from forkresize.ledger.postgres import Database
    from forkresize.ledger.postgres import migrate as apply_scripts
    from forkresize.ledger.postgres.ledger import COMPONENT
    from forkresize.ledger.postgres.rows import SCRIPTS

    with Database(url) as database:
        apply_scripts(database, COMPONENT, SCRIPTS)
    with ClusterDatabase(url) as cluster:
        cluster.migrate()
    open_postgres(url, Limits()).close()
