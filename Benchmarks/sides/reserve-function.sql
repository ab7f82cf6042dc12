-- pgbench: one reservation as one call.
\set number random(1, 9000000000000000000)
SELECT * FROM reserve(:section, 'c-' || :number, 1, :run || '-' || :number);
