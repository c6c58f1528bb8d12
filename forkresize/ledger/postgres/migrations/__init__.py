"""The numbered SQL scripts that create and change the tables of the ledger, in the schema ``forkresize``."""
