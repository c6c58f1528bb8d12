CREATE SCHEMA IF NOT EXISTS forkresize;

-- A run on a cluster. Its number is the one that the ledger gave it.
CREATE TABLE forkresize.batch (
    run bigint PRIMARY KEY,
    spec text NOT NULL,
    queue text NOT NULL,
    destination text NOT NULL,
    owner text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'done', 'cancelled')),
    cancelled boolean NOT NULL DEFAULT false,
    detached boolean NOT NULL DEFAULT false,
    -- How many chunks were done; the last one's sequence.
    finished bigint NOT NULL DEFAULT 0,
    -- How often a node was lost that worked on a chunk.
    losses bigint NOT NULL DEFAULT 0,
    -- The number of the next chunk that is made of a part of another.
    next_part bigint NOT NULL DEFAULT 1000000001,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz
);

CREATE INDEX batch_active ON forkresize.batch (destination) WHERE state IN ('open', 'closed');

-- Some pictures of a manifest, from the one at `first` on.
CREATE TABLE forkresize.chunk (
    run bigint NOT NULL REFERENCES forkresize.batch ON DELETE CASCADE,
    number bigint NOT NULL CHECK (number > 0),
    manifest text NOT NULL,
    first integer NOT NULL CHECK (first >= 0),
    count integer NOT NULL CHECK (count > 0),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'leased', 'done', 'cancelled', 'split')),
    handling text NOT NULL DEFAULT 'normal' CHECK (handling IN ('normal', 'single', 'fail')),
    attempts integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    published timestamptz,
    -- Of the current or last lease:
    node text,
    token uuid,
    lease_until timestamptz,
    started timestamptz,
    made integer NOT NULL DEFAULT 0,
    -- The picture that is worked on alone, counted in the manifest.
    marked integer,
    -- Of a chunk that is done:
    ended timestamptz,
    sequence bigint,
    outcomes text,
    error text NOT NULL DEFAULT '',
    counts jsonb,
    PRIMARY KEY (run, number)
) WITH (fillfactor = 80);

CREATE INDEX chunk_leased ON forkresize.chunk (lease_until) WHERE state = 'leased';
CREATE INDEX chunk_pending ON forkresize.chunk (published) WHERE state = 'pending';
CREATE UNIQUE INDEX chunk_sequence ON forkresize.chunk (run, sequence) WHERE sequence IS NOT NULL;

-- Messages to publish. Their random order spreads the nodes over the keys of a store.
CREATE TABLE forkresize.outbox (
    run bigint NOT NULL,
    chunk bigint NOT NULL,
    queue text NOT NULL,
    position double precision NOT NULL DEFAULT random(),
    PRIMARY KEY (run, chunk),
    FOREIGN KEY (run, chunk) REFERENCES forkresize.chunk ON DELETE CASCADE
);

CREATE INDEX outbox_position ON forkresize.outbox (position);

-- The nodes that work, or worked a short time ago. A node holds an advisory lock on its presence while it runs.
CREATE TABLE forkresize.node (
    name text PRIMARY KEY,
    presence integer GENERATED ALWAYS AS IDENTITY,
    info text NOT NULL,
    draining boolean NOT NULL DEFAULT false,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen timestamptz NOT NULL DEFAULT clock_timestamp()
);
