-- Why a node last left the chunks of a run to others, and when.
ALTER TABLE forkresize.batch ADD COLUMN refusal text NOT NULL DEFAULT '', ADD COLUMN refused timestamptz;
