-- The books: what organisers read, and beside it what an engine can be started from again.

CREATE SCHEMA IF NOT EXISTS holdfast_state;
COMMENT ON SCHEMA holdfast IS 'The books of the ticket sale, written behind it. Every transaction sees one position of the log: see holdfast.watermark. Amounts are in minor units of the event''s currency.';
COMMENT ON SCHEMA holdfast_state IS 'What holdfast restore --from-postgres starts from: the engine''s own records. It holds secrets; nobody else needs it.';

CREATE TABLE holdfast.watermark (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    log text NOT NULL CHECK (log ~ '^[0-9a-f]{32}$'),
    position bigint NOT NULL CHECK (position >= 0),
    flushed_at timestamptz NOT NULL,
    decided_at timestamptz
);
COMMENT ON TABLE holdfast.watermark IS 'One row: as of where the books are.';
COMMENT ON COLUMN holdfast.watermark.log IS 'The identity of the log that the books follow.';
COMMENT ON COLUMN holdfast.watermark.position IS 'Everything up to this record of the log is in the books, nothing behind it.';
COMMENT ON COLUMN holdfast.watermark.decided_at IS 'When the last record in the books was decided.';

CREATE TABLE holdfast.resynchronisations (
    at timestamptz PRIMARY KEY,
    from_position bigint NOT NULL,
    to_position bigint NOT NULL CHECK (to_position >= from_position)
);
COMMENT ON TABLE holdfast.resynchronisations IS 'When the books were written anew from the state, because the log no longer had what came before. holdfast.audit has no rows for positions behind from_position up to to_position.';

CREATE TABLE holdfast.tenants (id text PRIMARY KEY);
COMMENT ON TABLE holdfast.tenants IS 'Shops.';

CREATE TABLE holdfast.venues (
    tenant_id text NOT NULL REFERENCES holdfast.tenants,
    id text NOT NULL,
    name text NOT NULL,
    maximum_capacity bigint NOT NULL CHECK (maximum_capacity > 0),
    street text NOT NULL, city text NOT NULL, state text NOT NULL, postal_code text NOT NULL, country text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    attributes text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE holdfast.venues IS 'Where events take place.';
COMMENT ON COLUMN holdfast.venues.attributes IS 'Further members of the organiser''s JSON, as they came: a JSON object as text.';

CREATE TABLE holdfast.events (
    event_key bigint PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES holdfast.tenants,
    id text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'published', 'cancelled')),
    called_off_at timestamptz,
    venue_id text,
    starts_at timestamptz,
    sales_start_at timestamptz,
    sales_end_at timestamptz,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    last_command_at timestamptz NOT NULL,
    attributes text NOT NULL,
    UNIQUE (tenant_id, id)
);
COMMENT ON TABLE holdfast.events IS 'What tickets are sold for.';
COMMENT ON COLUMN holdfast.events.event_key IS 'The engine''s number of the event, a hash of tenant and id; 64 bits, read as signed.';
COMMENT ON COLUMN holdfast.events.called_off_at IS 'When the event was called off: its orders are due for refund.';
COMMENT ON COLUMN holdfast.events.attributes IS 'Further members of the organiser''s JSON, as they came: a JSON object as text.';

CREATE TABLE holdfast.schedules (
    event_key bigint NOT NULL REFERENCES holdfast.events,
    number bigint NOT NULL,
    id text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    doors_open_at timestamptz,
    is_cancelled boolean NOT NULL,
    version bigint NOT NULL,
    attributes text NOT NULL,
    PRIMARY KEY (event_key, number),
    UNIQUE (event_key, id),
    CHECK (ends_at > starts_at)
);
COMMENT ON TABLE holdfast.schedules IS 'Dates of events.';

CREATE TABLE holdfast.sections (
    event_key bigint NOT NULL REFERENCES holdfast.events,
    number bigint NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    code text NOT NULL,
    schedule_number bigint,
    total bigint NOT NULL CHECK (total >= 0),
    buffer bigint NOT NULL CHECK (buffer >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    sold bigint NOT NULL CHECK (sold >= 0),
    available bigint NOT NULL CHECK (available >= 0),
    is_active boolean NOT NULL,
    is_visible boolean NOT NULL,
    attributes text NOT NULL,
    PRIMARY KEY (event_key, number),
    UNIQUE (event_key, id),
    FOREIGN KEY (event_key, schedule_number) REFERENCES holdfast.schedules,
    CONSTRAINT no_oversell CHECK (available + reserved + sold + buffer = total)
);
COMMENT ON TABLE holdfast.sections IS 'Parts of an event''s capacity, with their stock.';
COMMENT ON COLUMN holdfast.sections.buffer IS 'Places kept from sale; in a section with numbered seats those that are blocked.';
COMMENT ON COLUMN holdfast.sections.schedule_number IS 'The date that its places are for; null for the event as a whole.';

CREATE TABLE holdfast.price_tiers (
    event_key bigint NOT NULL REFERENCES holdfast.events,
    number bigint NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    section_number bigint,
    base_price bigint NOT NULL CHECK (base_price >= 0),
    service_fee bigint NOT NULL CHECK (service_fee >= 0),
    facility_fee bigint NOT NULL CHECK (facility_fee >= 0),
    tax_basis_points integer NOT NULL CHECK (tax_basis_points BETWEEN 0 AND 10000),
    is_dynamic boolean NOT NULL,
    current_price bigint,
    is_active boolean NOT NULL,
    is_visible boolean NOT NULL,
    version bigint NOT NULL,
    attributes text NOT NULL,
    PRIMARY KEY (event_key, number),
    FOREIGN KEY (event_key, section_number) REFERENCES holdfast.sections
);
COMMENT ON TABLE holdfast.price_tiers IS 'Prices as they are asked now. What was paid stands in order_lines.';

CREATE TABLE holdfast.reservations (
    event_key bigint NOT NULL REFERENCES holdfast.events,
    slot bigint NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('held', 'confirmed', 'released', 'expired', 'ended')),
    quantity bigint NOT NULL CHECK (quantity > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (event_key, slot, generation)
);
COMMENT ON TABLE holdfast.reservations IS 'Holds, live and past. A hold that began and ended between two flushes, and whose place another took, may be missing here; holdfast.audit has it.';
COMMENT ON COLUMN holdfast.reservations.status IS 'ended: released or expired while nothing was written here, and forgotten since.';
COMMENT ON COLUMN holdfast.reservations.ended_at IS 'When it was confirmed, released or expired.';

CREATE TABLE holdfast.order_lines (
    event_key bigint NOT NULL,
    slot bigint NOT NULL,
    generation bigint NOT NULL,
    line integer NOT NULL,
    section_number bigint NOT NULL,
    tier_number bigint,
    tier_version bigint,
    quantity bigint NOT NULL CHECK (quantity > 0),
    unit_price bigint, service_fee bigint, facility_fee bigint,
    tax_basis_points integer,
    tax bigint,
    total bigint,
    locked_at timestamptz,
    PRIMARY KEY (event_key, slot, generation, line),
    FOREIGN KEY (event_key, slot, generation) REFERENCES holdfast.reservations,
    FOREIGN KEY (event_key, section_number) REFERENCES holdfast.sections,
    FOREIGN KEY (event_key, tier_number) REFERENCES holdfast.price_tiers
);
COMMENT ON TABLE holdfast.order_lines IS 'Lines of reservations, and so of orders, with the price that was locked for each; null before the lock.';
COMMENT ON COLUMN holdfast.order_lines.unit_price IS 'Per ticket, as the fees are; tax and total are the whole line''s.';

CREATE TABLE holdfast.orders (
    event_key bigint NOT NULL,
    slot bigint NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('confirmed', 'partially_refunded', 'refunded')),
    confirmed_at timestamptz NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    total bigint NOT NULL CHECK (total >= 0),
    refunded bigint NOT NULL CHECK (refunded BETWEEN 0 AND total),
    payment_reference text NOT NULL,
    PRIMARY KEY (event_key, slot, generation),
    FOREIGN KEY (event_key, slot, generation) REFERENCES holdfast.reservations
);
COMMENT ON TABLE holdfast.orders IS 'What was bought. Those of an event that was called off are due for refund: see holdfast.refunds_due.';
COMMENT ON COLUMN holdfast.orders.refunded IS 'Of total, what refunds came to.';
CREATE INDEX orders_by_time ON holdfast.orders (event_key, confirmed_at);

CREATE TABLE holdfast.tickets (
    event_key bigint NOT NULL,
    slot bigint NOT NULL,
    generation bigint NOT NULL,
    number bigint NOT NULL,
    id text NOT NULL,
    line integer NOT NULL,
    section_number bigint NOT NULL,
    seat_position bigint,
    seat text,
    holder_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('issued', 'checked_in', 'refunded')),
    has_place boolean NOT NULL,
    base_price bigint NOT NULL, service_fee bigint NOT NULL, facility_fee bigint NOT NULL, tax bigint NOT NULL,
    total bigint NOT NULL CHECK (total = base_price + service_fee + facility_fee + tax),
    transfers integer NOT NULL,
    checked_in_at timestamptz,
    gate_id text,
    PRIMARY KEY (event_key, slot, generation, number),
    FOREIGN KEY (event_key, slot, generation) REFERENCES holdfast.orders,
    FOREIGN KEY (event_key, section_number) REFERENCES holdfast.sections,
    CHECK ((seat IS NULL) = (seat_position IS NULL)),
    CONSTRAINT one_ticket_per_seat EXCLUDE USING btree
        (event_key WITH =, section_number WITH =, seat_position WITH =)
        WHERE (has_place AND seat_position IS NOT NULL) DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON TABLE holdfast.tickets IS 'Tickets of orders, each with its share of what its line was sold for.';
COMMENT ON COLUMN holdfast.tickets.has_place IS 'False when the place went back on sale with the refund.';
COMMENT ON COLUMN holdfast.tickets.transfers IS 'How often it has changed hands.';

CREATE TABLE holdfast.seats (
    event_key bigint NOT NULL,
    section_number bigint NOT NULL,
    position bigint NOT NULL,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('free', 'held', 'sold', 'blocked')),
    slot bigint,
    generation bigint,
    PRIMARY KEY (event_key, section_number, position),
    FOREIGN KEY (event_key, section_number) REFERENCES holdfast.sections,
    FOREIGN KEY (event_key, slot, generation) REFERENCES holdfast.reservations,
    CONSTRAINT one_holder CHECK ((status IN ('held', 'sold')) = (slot IS NOT NULL) AND (slot IS NULL) = (generation IS NULL))
);
COMMENT ON TABLE holdfast.seats IS 'Numbered seats, and the one reservation that holds each.';

CREATE TABLE holdfast.audit (
    position bigint PRIMARY KEY,
    event_key bigint NOT NULL,
    tenant_id text NOT NULL,
    event_id text,
    decided_at timestamptz NOT NULL,
    actor text,
    actions text[] NOT NULL,
    slot bigint,
    generation bigint
);
COMMENT ON TABLE holdfast.audit IS 'What has happened, one row a record of the log that changed something, in its order.';
COMMENT ON COLUMN holdfast.audit.actions IS 'In the words of the audit feed.';
COMMENT ON COLUMN holdfast.audit.slot IS 'With event_key and generation the reservation, where it is about one.';
CREATE INDEX audit_by_event ON holdfast.audit (event_key, position);

CREATE TABLE holdfast_state.base (
    event_key bigint NOT NULL,
    part integer NOT NULL,
    position bigint NOT NULL,
    records bytea NOT NULL,
    PRIMARY KEY (event_key, part)
);
COMMENT ON TABLE holdfast_state.base IS 'Each event as a snapshot has it, as of a position of its own: framed records of FORMAT.md.';
ALTER TABLE holdfast_state.base ALTER COLUMN records SET STORAGE EXTERNAL;

CREATE TABLE holdfast_state.journal (
    first_position bigint PRIMARY KEY,
    last_position bigint NOT NULL CHECK (last_position >= first_position),
    records bytea NOT NULL
);
COMMENT ON TABLE holdfast_state.journal IS 'The records of the log from the oldest base on up to the watermark, without gaps.';
ALTER TABLE holdfast_state.journal ALTER COLUMN records SET STORAGE EXTERNAL;

CREATE VIEW holdfast.sales_by_event AS
SELECT e.tenant_id, e.id AS event_id, e.name, e.currency, e.venue_id,
    count(DISTINCT (t.slot, t.generation)) AS orders,
    count(t.number) AS tickets,
    coalesce(sum(t.total), 0) AS gross,
    coalesce(sum(t.base_price), 0) AS base,
    coalesce(sum(t.service_fee + t.facility_fee), 0) AS fees,
    coalesce(sum(t.tax), 0) AS tax,
    count(*) FILTER (WHERE t.status = 'refunded') AS refunded_tickets,
    coalesce(sum(t.total) FILTER (WHERE t.status = 'refunded'), 0) AS refunded,
    coalesce(sum(t.total) FILTER (WHERE t.status <> 'refunded'), 0) AS net
FROM holdfast.events e LEFT JOIN holdfast.tickets t USING (event_key)
GROUP BY e.event_key;
COMMENT ON VIEW holdfast.sales_by_event IS 'Sales at the locked prices, by event.';

CREATE VIEW holdfast.sales_by_venue AS
SELECT s.tenant_id, s.venue_id, v.name, s.currency, sum(s.orders) AS orders, sum(s.tickets) AS tickets,
    sum(s.gross) AS gross, sum(s.refunded) AS refunded, sum(s.net) AS net
FROM holdfast.sales_by_event s LEFT JOIN holdfast.venues v ON v.tenant_id = s.tenant_id AND v.id = s.venue_id
GROUP BY s.tenant_id, s.venue_id, v.name, s.currency;
COMMENT ON VIEW holdfast.sales_by_venue IS 'Sales by venue and currency; venue_id is null for events that name none.';

CREATE VIEW holdfast.sales_by_day AS
SELECT e.tenant_id, e.id AS event_id, e.currency, (o.confirmed_at AT TIME ZONE 'UTC')::date AS day,
    count(*) AS orders, sum(o.quantity) AS tickets, sum(o.total) AS gross, sum(o.refunded) AS refunded,
    sum(o.total - o.refunded) AS net
FROM holdfast.orders o JOIN holdfast.events e USING (event_key)
GROUP BY e.event_key, day;
COMMENT ON VIEW holdfast.sales_by_day IS 'Sales by event and UTC day of the order; refunds count on the day of what they give back.';

CREATE VIEW holdfast.refunds_due AS
SELECT e.tenant_id, e.id AS event_id, e.currency, e.called_off_at, o.id AS order_id, o.customer_id, o.payment_reference,
    o.total - o.refunded AS due
FROM holdfast.orders o JOIN holdfast.events e USING (event_key)
WHERE e.called_off_at IS NOT NULL AND o.status <> 'refunded';
COMMENT ON VIEW holdfast.refunds_due IS 'Orders of events that were called off, with what is left to refund.';

-- The role that may only read. Roles belong to the whole server and not to the database: where this user may not make
-- one, or where it is there already, the books do without.
DO $$
BEGIN
    BEGIN
        CREATE ROLE holdfast_reports NOLOGIN;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN RAISE NOTICE 'this user may not make the role holdfast_reports';
    END;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'holdfast_reports') THEN
        GRANT USAGE ON SCHEMA holdfast TO holdfast_reports;
        GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO holdfast_reports;
    END IF;
END
$$;
