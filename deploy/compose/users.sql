-- Users for nodes, gateways and the command, with the roles of roles.sql and the passwords in the environment.
\getenv client_password CLIENT_PASSWORD
\getenv gateway_password GATEWAY_PASSWORD
\getenv node_password NODE_PASSWORD

SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', name, 'forkresize_' || name)
FROM unnest(ARRAY['client', 'gateway', 'node']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE client PASSWORD :'client_password';
ALTER ROLE gateway PASSWORD :'gateway_password';
ALTER ROLE node PASSWORD :'node_password';
