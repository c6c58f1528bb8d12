-- Batches by HTTP. PostgreSQL and SQLite read this script; times are seconds since the epoch.

CREATE TABLE forkresize.gateway_run (
    id text PRIMARY KEY,
    principal text NOT NULL,
    request text NOT NULL,
    -- The location of the destination: runs of one destination come one after another.
    destination text NOT NULL,
    recipe text NOT NULL,
    -- The context of the span that submitted it.
    traceparent text NOT NULL DEFAULT '',
    state text NOT NULL,
    cancelled integer NOT NULL DEFAULT 0,
    -- How often a process was started for it, and how many of them crashed.
    attempt integer NOT NULL DEFAULT 0,
    crashes integer NOT NULL DEFAULT 0,
    -- The gateway that has the run, and until when.
    owner text NOT NULL DEFAULT '',
    lease_until double precision NOT NULL DEFAULT 0,
    -- How many times the current attempt has written.
    received integer NOT NULL DEFAULT 0,
    batch bigint,
    created double precision NOT NULL,
    started double precision,
    ended double precision,
    progress text NOT NULL DEFAULT '{}',
    exit_code integer,
    error text NOT NULL DEFAULT '',
    last_event integer NOT NULL DEFAULT 0,
    last_failure integer NOT NULL DEFAULT 0
);

CREATE INDEX gateway_run_active ON forkresize.gateway_run (destination) WHERE state IN ('queued', 'running');
CREATE INDEX gateway_run_principal ON forkresize.gateway_run (principal, id);

CREATE TABLE forkresize.gateway_event (
    run text NOT NULL REFERENCES forkresize.gateway_run ON DELETE CASCADE,
    number integer NOT NULL,
    kind text NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (run, number)
);

CREATE TABLE forkresize.gateway_failure (
    run text NOT NULL REFERENCES forkresize.gateway_run ON DELETE CASCADE,
    number integer NOT NULL,
    source text NOT NULL,
    destination text NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (run, number),
    -- A run that is continued reports some failures again.
    UNIQUE (run, source, destination)
);

CREATE TABLE forkresize.gateway_key (
    principal text NOT NULL,
    key text NOT NULL,
    digest text NOT NULL,
    run text NOT NULL,
    created double precision NOT NULL,
    PRIMARY KEY (principal, key)
);
