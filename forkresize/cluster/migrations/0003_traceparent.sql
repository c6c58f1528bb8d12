-- The span that a run follows from, as a traceparent of W3C Trace Context: nodes link the spans of its chunks to it.
ALTER TABLE forkresize.batch ADD COLUMN traceparent text NOT NULL DEFAULT '';
