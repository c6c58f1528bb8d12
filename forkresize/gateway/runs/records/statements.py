"""The statements of the records, for PostgreSQL and SQLite: the engines know what the words in braces stand for."""

_COLUMNS = """id, principal, state, cancelled, request, created, started, ended, progress, exit_code, error, last_event,
    batch"""

INSERT_KEY = """
INSERT INTO forkresize.gateway_key (principal, key, digest, run, created)
VALUES (%(principal)s, %(key)s, %(digest)s, %(run)s, {now}) ON CONFLICT (principal, key) DO NOTHING
"""
FIND_KEY = "SELECT digest, run FROM forkresize.gateway_key WHERE principal = %(principal)s AND key = %(key)s"
EXPIRE_KEYS = "DELETE FROM forkresize.gateway_key WHERE created < {now} - %(seconds)s"

COUNT_QUEUED = "SELECT count(*) AS count FROM forkresize.gateway_run WHERE state = 'queued'"

INSERT_RUN = """
INSERT INTO forkresize.gateway_run (id, principal, request, destination, recipe, traceparent, state, created)
VALUES (%(id)s, %(principal)s, %(request)s, %(destination)s, %(recipe)s, %(traceparent)s, 'queued', {now})
ON CONFLICT (id) DO NOTHING
"""

GET = f"SELECT {_COLUMNS} FROM forkresize.gateway_run WHERE id = %(id)s"  # noqa: S608 -- names of ours.

LIST = f"""
SELECT {_COLUMNS} FROM forkresize.gateway_run
WHERE (CAST(%(principal)s AS text) IS NULL OR principal = %(principal)s)
    AND (CAST(%(state)s AS text) IS NULL OR state = %(state)s)
    AND (CAST(%(before)s AS text) IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
"""  # noqa: S608 -- names of ours.

EVENTS = """
SELECT number, kind, data FROM forkresize.gateway_event
WHERE run = %(run)s AND number > %(after)s ORDER BY number LIMIT %(limit)s
"""
ADD_EVENT = """
INSERT INTO forkresize.gateway_event (run, number, kind, data) VALUES (%(run)s, %(number)s, %(kind)s, %(data)s)
"""
NEXT_EVENT = "UPDATE forkresize.gateway_run SET last_event = last_event + 1 WHERE id = %(id)s RETURNING last_event"

FAILURES = """
SELECT number, record FROM forkresize.gateway_failure
WHERE run = %(run)s AND number > %(after)s ORDER BY number LIMIT %(limit)s
"""
ADD_FAILURE = """
INSERT INTO forkresize.gateway_failure (run, number, source, destination, record)
VALUES (%(run)s, %(number)s, %(source)s, %(destination)s, %(record)s)
ON CONFLICT (run, source, destination) DO NOTHING
"""

CANCEL_QUEUED = """
UPDATE forkresize.gateway_run SET cancelled = 1, state = 'cancelled', ended = {now}
WHERE id = %(id)s AND state = 'queued'
"""
CANCEL_RUNNING = """
UPDATE forkresize.gateway_run SET cancelled = 1 WHERE id = %(id)s AND state = 'running' AND cancelled = 0
"""

# Two gateways that claim at the same time would not see each other's claims: each would take a run of one destination.
LOCK_CLAIMS = "SELECT {lock claims}"

# A run waits for others of its destination, and those whose gateway is lost come first.
CLAIM = """
UPDATE forkresize.gateway_run
SET state = 'running', attempt = attempt + 1, received = 0, owner = %(owner)s, lease_until = {now} + %(lease)s,
    started = coalesce(started, {now})
WHERE id = (
    SELECT id FROM forkresize.gateway_run AS due
    WHERE (state = 'queued' OR (state = 'running' AND lease_until < {now}))
        AND NOT EXISTS (
            SELECT 1 FROM forkresize.gateway_run AS other
            WHERE other.destination = due.destination AND other.state = 'running' AND other.id <> due.id
        )
    ORDER BY state DESC, id LIMIT 1 {skip locked}
)
RETURNING id, attempt, cancelled, request, recipe, traceparent, batch
"""
RENEW = """
UPDATE forkresize.gateway_run SET lease_until = {now} + %(lease)s
WHERE owner = %(owner)s AND state = 'running' AND lease_until > 0
RETURNING id, attempt, cancelled
"""
RELEASE = "UPDATE forkresize.gateway_run SET lease_until = 0 WHERE owner = %(owner)s AND state = 'running'"
CRASH = """
UPDATE forkresize.gateway_run SET crashes = crashes + 1, lease_until = 0
WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'running' RETURNING crashes
"""
RUNNING = "SELECT id, attempt FROM forkresize.gateway_run WHERE state = 'running'"

RECEIVE = """
UPDATE forkresize.gateway_run SET received = %(number)s
WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'running' AND received < %(number)s
RETURNING last_event, last_failure
"""
HOLDS = "SELECT 1 AS one FROM forkresize.gateway_run WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'running'"
STORE = """
UPDATE forkresize.gateway_run
SET last_event = %(last_event)s, last_failure = %(last_failure)s, progress = coalesce(%(progress)s, progress),
    batch = coalesce(%(batch)s, batch)
WHERE id = %(id)s
"""
FINISH = """
UPDATE forkresize.gateway_run
SET state = CASE WHEN cancelled = 1 AND %(state)s <> 'succeeded' THEN 'cancelled' ELSE %(state)s END,
    exit_code = %(exit_code)s, error = %(error)s, ended = {now}
WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'running' RETURNING state
"""
PURGE = """
DELETE FROM forkresize.gateway_run WHERE ended < {now} - %(seconds)s AND state NOT IN ('queued', 'running')
"""
