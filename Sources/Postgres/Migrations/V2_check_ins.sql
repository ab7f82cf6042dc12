-- Who was let in, by whom and where; and refunds on their own days.

CREATE TABLE holdfast.check_ins (
    event_key bigint NOT NULL,
    slot bigint NOT NULL,
    generation bigint NOT NULL,
    number bigint NOT NULL,
    scanned_at timestamptz NOT NULL,
    received_at timestamptz,
    gate_id text,
    scanned_by text,
    PRIMARY KEY (event_key, slot, generation, number),
    FOREIGN KEY (event_key, slot, generation, number) REFERENCES holdfast.tickets
);
COMMENT ON TABLE holdfast.check_ins IS 'Scans that let somebody in: the first of each ticket. Its key is the ticket''s.';
COMMENT ON COLUMN holdfast.check_ins.scanned_at IS 'As the scanner tells it.';
COMMENT ON COLUMN holdfast.check_ins.received_at IS 'When the server heard of it; null where that was before version 2 of the schema, until something else happens to the order.';
COMMENT ON COLUMN holdfast.check_ins.gate_id IS 'Null for a scan at no gate in particular.';
COMMENT ON COLUMN holdfast.check_ins.scanned_by IS 'Who asked for it; null for nobody in particular, before version 2 of the schema, and where the log no longer told (holdfast.resynchronisations).';

ALTER TABLE holdfast.tickets ADD COLUMN refunded_at timestamptz,
    ADD CONSTRAINT refunded_at_some_time CHECK (refunded_at IS NULL OR status = 'refunded');
COMMENT ON COLUMN holdfast.tickets.refunded_at IS 'When it was refunded; null while it is not, before version 2 of the schema for orders refunded in several parts, and where the log no longer told (holdfast.resynchronisations).';

-- What the rows of version 1 tell of both, and nothing that they don't: of an order with a single refund the audit has the
-- time, unless it has gaps; who scanned a ticket it doesn't tell, since one record may be about tickets of several orders.
WITH refunds AS (
    SELECT event_key, slot, generation, min(decided_at) AS at FROM holdfast.audit
    WHERE 'order.refunded' = ANY (actions) AND slot IS NOT NULL
        AND NOT EXISTS (SELECT FROM holdfast.resynchronisations)
    GROUP BY event_key, slot, generation HAVING count(*) = 1
)
UPDATE holdfast.tickets t SET refunded_at = r.at FROM refunds r
WHERE (t.event_key, t.slot, t.generation) = (r.event_key, r.slot, r.generation) AND t.status = 'refunded';

INSERT INTO holdfast.check_ins (event_key, slot, generation, number, scanned_at, gate_id)
SELECT event_key, slot, generation, number, checked_in_at, gate_id FROM holdfast.tickets WHERE checked_in_at IS NOT NULL;

CREATE OR REPLACE VIEW holdfast.sales_by_day AS
SELECT e.tenant_id, e.id AS event_id, e.currency, d.day,
    sum(d.orders)::bigint AS orders, sum(d.tickets)::numeric AS tickets, sum(d.gross)::numeric AS gross,
    sum(d.refunded)::numeric AS refunded, sum(d.gross - d.refunded)::numeric AS net,
    sum(d.refunded_tickets)::bigint AS refunded_tickets
FROM (
    SELECT event_key, (confirmed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS orders, sum(quantity) AS tickets,
        sum(total) AS gross, 0 AS refunded, 0 AS refunded_tickets
    FROM holdfast.orders GROUP BY 1, 2
    UNION ALL
    SELECT event_key, (refunded_at AT TIME ZONE 'UTC')::date, 0, 0, 0, sum(total), count(*)
    FROM holdfast.tickets WHERE status = 'refunded' GROUP BY 1, 2
) d JOIN holdfast.events e USING (event_key)
GROUP BY e.event_key, d.day;
COMMENT ON VIEW holdfast.sales_by_day IS 'By event and UTC day: what was sold on it, and what was refunded on it, whenever that had been sold. day is null for refunds of which the day is not known.';

CREATE VIEW holdfast.check_ins_by_gate AS
SELECT e.tenant_id, e.id AS event_id, c.gate_id, count(*) AS tickets, min(c.scanned_at) AS first_at, max(c.scanned_at) AS last_at
FROM holdfast.check_ins c JOIN holdfast.events e USING (event_key)
GROUP BY e.event_key, c.gate_id;
COMMENT ON VIEW holdfast.check_ins_by_gate IS 'How many were let in at each gate, and when.';

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'holdfast_reports') THEN
        GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO holdfast_reports;
    END IF;
END
$$;
