-- pgbench: one reservation as a transaction of single statements. :run keeps the keys of one run apart from another's.
-- A statement with \gset that finds nothing (limit reached, sold out) ends the client, and so the transaction.
\set number random(1, 9000000000000000000)
BEGIN;
INSERT INTO customer AS c VALUES (:section, 'c-' || :number, 1)
    ON CONFLICT (section, id) DO UPDATE SET held = c.held + 1
    WHERE c.held + 1 <= (SELECT customer_limit FROM pricing WHERE section = :section)
    RETURNING held \gset
INSERT INTO hold (idempotency_key, section, customer, quantity, price, service, facility, tax, expires_at)
    SELECT :run || '-' || :number, :section, 'c-' || :number, 1, price, service, facility, tax, now() + hold_time
    FROM pricing WHERE section = :section RETURNING id AS hold, expires_at \gset
UPDATE section SET available = available - 1, reserved = reserved + 1 WHERE id = :section AND available >= 1
    RETURNING available \gset
COMMIT;
