-- Many rows name the same destination, and the same directory of sources: they refer to them by number.
CREATE TABLE forkresize.destination (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL UNIQUE,
    label bytea NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN forkresize.destination.name IS 'the URL, or file: and the identifier in .forkresize/id of a directory';
COMMENT ON COLUMN forkresize.destination.label IS 'for people: the URL, or host and path of the directory when it was first used';

CREATE TABLE forkresize.root (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path bytea NOT NULL UNIQUE
);

CREATE TABLE forkresize.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination integer NOT NULL REFERENCES forkresize.destination,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz,
    broken boolean NOT NULL DEFAULT false,
    skew_ns bigint NOT NULL
);
CREATE INDEX run_destination ON forkresize.run (destination);
COMMENT ON COLUMN forkresize.run.broken IS 'another run began before this one had ended properly';
COMMENT ON COLUMN forkresize.run.skew_ns IS 'by how much the clock of the database was ahead of that of the run';

-- Keys are bytes, and in the order of their bytes. 10^8 rows take about 40 GB, and 13 GB for the index.
CREATE TABLE forkresize.output (
    destination integer NOT NULL REFERENCES forkresize.destination,
    key bytea NOT NULL,
    root integer NOT NULL REFERENCES forkresize.root,
    source bytea NOT NULL,
    source_size bigint NOT NULL,
    source_mtime_ns bigint NOT NULL,
    source_hash bytea,
    recipe bytea NOT NULL,
    status text NOT NULL CHECK (status IN ('written', 'skipped', 'failed')),
    reason text,
    error text NOT NULL,
    signal text,
    covers_all smallint NOT NULL,
    limit_value double precision,
    attempts integer NOT NULL,
    run bigint NOT NULL,
    size bigint NOT NULL,
    mtime_ns bigint NOT NULL,
    width integer,
    height integer,
    format text,
    hash bytea,
    source_etag text,
    source_version text,
    etag text,
    version text,
    PRIMARY KEY (destination, key)
) WITH (fillfactor = 90);
