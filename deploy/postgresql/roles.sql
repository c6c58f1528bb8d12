-- Roles with the least rights for databases that forkresize uses. Run it as the owner of the database, once the tables exist:
--
--     forkresized migrate --ledger postgresql://owner@HOST/DATABASE
--     psql --set ON_ERROR_STOP=1 --single-transaction --file deploy/postgresql/roles.sql postgresql://owner@HOST/DATABASE
--     createuser --pwprompt --role forkresize_client web
--
-- Run both again before you use a later version of forkresize. These roles cannot change tables.
--
--     forkresize_client   runs, with and without a cluster
--     forkresize_node     nodes of a cluster
--     forkresize_gateway  gateways that do batches on a cluster
--     forkresize_reader   status, monitoring, reports

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['forkresize_client', 'forkresize_node', 'forkresize_gateway', 'forkresize_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        -- Start again from nothing.
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA forkresize FROM %I', name);
        EXECUTE format('GRANT USAGE ON SCHEMA forkresize TO %I', name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA forkresize TO %I', name);
    END LOOP;
    -- Records are written by way of a temporary table.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO forkresize_client, forkresize_node, forkresize_gateway', current_database());
END;
$$;

-- The ledger. An upsert needs the right to update, also of a row that stays as it is.
GRANT INSERT, UPDATE ON forkresize.destination, forkresize.root TO forkresize_client, forkresize_node, forkresize_gateway;
GRANT INSERT, UPDATE, DELETE ON forkresize.run TO forkresize_client, forkresize_gateway;
GRANT INSERT, UPDATE, DELETE ON forkresize.output TO forkresize_client, forkresize_gateway;
GRANT INSERT, UPDATE ON forkresize.output TO forkresize_node;

-- The cluster, if this database has one.
DO $$
BEGIN
    IF to_regclass('forkresize.chunk') IS NOT NULL THEN
        GRANT INSERT, UPDATE, DELETE ON forkresize.batch TO forkresize_client, forkresize_gateway;
        GRANT UPDATE ON forkresize.batch TO forkresize_node;
        GRANT INSERT, UPDATE ON forkresize.chunk TO forkresize_client, forkresize_node, forkresize_gateway;
        GRANT INSERT, UPDATE, DELETE ON forkresize.outbox TO forkresize_client, forkresize_node, forkresize_gateway;
        GRANT INSERT, UPDATE, DELETE ON forkresize.node TO forkresize_node;
    END IF;
END;
$$;

-- Batches by HTTP: who asked for them, and why pictures failed. Only gateways and readers see it.
DO $$
BEGIN
    IF to_regclass('forkresize.gateway_run') IS NOT NULL THEN
        REVOKE ALL ON forkresize.gateway_run, forkresize.gateway_event, forkresize.gateway_failure, forkresize.gateway_key
            FROM forkresize_client, forkresize_node;
        GRANT INSERT, UPDATE, DELETE
            ON forkresize.gateway_run, forkresize.gateway_event, forkresize.gateway_failure, forkresize.gateway_key
            TO forkresize_gateway;
    END IF;
END;
$$;
