-- Whose books they are, to the history of a log.

ALTER TABLE holdfast.watermark ADD COLUMN origin text CHECK (origin ~ '^[0-9a-f]{1,16}$');
COMMENT ON COLUMN holdfast.watermark.origin IS 'The salt of the segment of the log that has the record at position: of two histories of one log, such as a data folder and what became of its backup, each has its own. Null where the log began behind that position, and in books written by version 2 of the schema or before.';

ALTER TABLE holdfast.watermark ADD COLUMN former_log text CHECK (former_log ~ '^[0-9a-f]{32}$');
COMMENT ON COLUMN holdfast.watermark.former_log IS 'The log that the books followed before holdfast restore --from-postgres, until the new one has written here; origin is of this one then.';

-- What a restore checks its reading against.

ALTER TABLE holdfast.watermark ADD COLUMN digest text CHECK (digest ~ '^[0-9a-f]{1,16}$'),
    ADD COLUMN digest_position bigint CHECK (digest_position BETWEEN 0 AND position),
    ADD CHECK ((digest IS NULL) = (digest_position IS NULL));
COMMENT ON COLUMN holdfast.watermark.digest IS 'Of the engine''s state at digest_position, as holdfast verify shows it; written down now and then, and when the server stops.';
COMMENT ON COLUMN holdfast.watermark.digest_position IS 'Up to which record digest is.';

ALTER TABLE holdfast_state.base ADD COLUMN checksum bigint CHECK (checksum BETWEEN 0 AND 4294967295);
COMMENT ON COLUMN holdfast_state.base.checksum IS 'CRC-32C of records; null in rows of version 2 of the schema or before.';
ALTER TABLE holdfast_state.journal ADD COLUMN checksum bigint CHECK (checksum BETWEEN 0 AND 4294967295);
COMMENT ON COLUMN holdfast_state.journal.checksum IS 'CRC-32C of records; null in rows of version 2 of the schema or before.';

-- What is looked for: somebody's orders, one by its id, and who refers to a row that is deleted.

CREATE UNIQUE INDEX orders_by_id ON holdfast.orders (id);
CREATE INDEX orders_by_customer ON holdfast.orders (customer_id);
CREATE UNIQUE INDEX tickets_by_id ON holdfast.tickets (id);
CREATE INDEX seats_by_reservation ON holdfast.seats (event_key, slot, generation) WHERE slot IS NOT NULL;

-- What every column is for. Those that have a comment keep it; one for a table goes before one for all.

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT DISTINCT ON (c.oid, a.attnum) c.oid::regclass AS relation, a.attname AS name, d.text
    FROM (VALUES
        ('tenant_id', NULL, 'The shop.'),
        ('event_id', NULL, 'The event''s id as the API has it.'),
        ('event_key', NULL, 'The event: holdfast.events.event_key.'),
        ('id', 'tenants', 'As tokens and the header X-Tenant-Id name it.'),
        ('id', 'venues', 'As the organiser named it.'),
        ('id', 'events', 'As the organiser named it.'),
        ('id', 'schedules', 'As the organiser named it.'),
        ('id', 'sections', 'As the organiser named it.'),
        ('id', 'price_tiers', 'As the API has it: prc_….'),
        ('id', 'reservations', 'As the API has it: rsv_…. Who has it can act on it.'),
        ('id', 'orders', 'As the API has it: ord_…. Who has it can act on it.'),
        ('id', 'tickets', 'As the API has it: tkt_….'),
        ('name', NULL, 'For people.'),
        ('name', 'seats', 'Row and number, as on the ticket.'),
        ('name', 'migrations', 'Of the version.'),
        ('maximum_capacity', NULL, 'Places that the sections of one date may have together.'),
        ('street', NULL, 'Of the address, as written; empty where nothing was said.'),
        ('city', NULL, 'As street.'),
        ('state', NULL, 'As street.'),
        ('postal_code', NULL, 'As street.'),
        ('country', NULL, 'As street.'),
        ('version', NULL, 'One more at every change, from 1 on.'),
        ('version', 'migrations', 'Counted from 1.'),
        ('created_at', NULL, 'When the engine decided it.'),
        ('attributes', NULL, 'Further members of the organiser''s JSON, as they came: a JSON object as text.'),
        ('currency', NULL, 'ISO 4217.'),
        ('currency', 'sales_by_venue', 'ISO 4217; sums are of one.'),
        ('status', 'events', 'draft, published or cancelled.'),
        ('venue_id', NULL, 'Of holdfast.venues; null where none is named.'),
        ('status', 'orders', 'confirmed, partially_refunded or refunded.'),
        ('status', 'tickets', 'issued, checked_in or refunded.'),
        ('status', 'seats', 'free, held, sold or blocked.'),
        ('starts_at', NULL, 'When it begins; null where nothing was said.'),
        ('ends_at', NULL, 'When it ends.'),
        ('sales_start_at', NULL, 'Before it nothing is sold; null for no such time.'),
        ('sales_end_at', NULL, 'From it on nothing is sold; null for no such time.'),
        ('doors_open_at', NULL, 'Null where nothing was said.'),
        ('is_cancelled', NULL, 'Whether the date was called off.'),
        ('last_command_at', NULL, 'When the last thing happened to it.'),
        ('number', NULL, 'The engine''s number within the event, from 0 on.'),
        ('number', 'tickets', 'Within the order, from 0 on.'),
        ('code', NULL, 'The organiser''s short name.'),
        ('total', 'sections', 'Places in all.'),
        ('reserved', NULL, 'Places in live reservations.'),
        ('sold', NULL, 'Places sold.'),
        ('available', NULL, 'Places left.'),
        ('is_active', NULL, 'Whether it is sold.'),
        ('is_visible', NULL, 'Whether buyers see it.'),
        ('section_number', NULL, 'Of holdfast.sections; null for every section.'),
        ('section_number', 'order_lines', 'Of holdfast.sections.'),
        ('section_number', 'tickets', 'Of holdfast.sections.'),
        ('section_number', 'seats', 'Of holdfast.sections.'),
        ('base_price', NULL, 'Minor units, per ticket, before fees and tax.'),
        ('service_fee', NULL, 'Minor units, per ticket.'),
        ('facility_fee', NULL, 'Minor units, per ticket.'),
        ('tax_basis_points', NULL, 'Hundredths of a percent.'),
        ('is_dynamic', NULL, 'Whether current_price is asked and not base_price.'),
        ('current_price', NULL, 'Minor units; null where there is none.'),
        ('slot', NULL, 'The reservation''s place in the engine; with event_key and generation it is the reservation.'),
        ('generation', NULL, 'How often the slot was used before.'),
        ('customer_id', NULL, 'Whose it is.'),
        ('quantity', NULL, 'Tickets.'),
        ('expires_at', NULL, 'Held until then.'),
        ('line', NULL, 'From 0 on.'),
        ('line', 'tickets', 'Of holdfast.order_lines.'),
        ('tier_number', NULL, 'Of holdfast.price_tiers; null before the lock.'),
        ('tier_version', NULL, 'The price''s version when it was locked.'),
        ('tax', NULL, 'Minor units.'),
        ('total', NULL, 'Minor units, fees and tax included.'),
        ('locked_at', NULL, 'When the price was locked.'),
        ('confirmed_at', NULL, 'When it was paid.'),
        ('payment_reference', NULL, 'As the shop gave it.'),
        ('seat_position', NULL, 'In its section; null for a place without a number.'),
        ('seat', NULL, 'The seat''s name; null for a place without a number.'),
        ('holder_id', NULL, 'Whose it is now.'),
        ('checked_in_at', NULL, 'As the scanner tells it; null before.'),
        ('gate_id', NULL, 'Where it was scanned; null for no gate in particular.'),
        ('position', 'seats', 'Of the seat in its section.'),
        ('position', 'audit', 'Of the record in the log.'),
        ('position', 'base', 'As of which record.'),
        ('part', NULL, 'From 0 on: an event may have several.'),
        ('records', NULL, 'Framed as in the log.'),
        ('first_position', NULL, 'Of the first record in the row.'),
        ('last_position', NULL, 'Of the last one.'),
        ('decided_at', NULL, 'When the engine decided it.'),
        ('actor', NULL, 'Who asked; null for nobody in particular and for the clock.'),
        ('event_id', 'audit', 'Null for what belongs to the tenant.'),
        ('flushed_at', NULL, 'When this row was written; stands still while nothing happens.'),
        ('is_only', NULL, 'Always true: there is one row.'),
        ('applied_at', NULL, 'When.'),
        ('at', NULL, 'When it was done.'),
        ('from_position', NULL, 'The watermark before.'),
        ('to_position', NULL, 'The watermark after.'),
        ('day', NULL, 'UTC.'),
        ('orders', NULL, 'How many.'),
        ('tickets', NULL, 'How many.'),
        ('gross', NULL, 'Minor units, fees and tax included, refunds not taken off.'),
        ('base', NULL, 'Of gross, the tickets'' base prices.'),
        ('fees', NULL, 'Of gross, service and facility fees.'),
        ('refunded_tickets', NULL, 'How many.'),
        ('refunded', NULL, 'Minor units given back.'),
        ('net', NULL, 'gross less refunded.'),
        ('order_id', NULL, 'As the API has it: ord_….'),
        ('due', NULL, 'Minor units left to refund.'),
        ('called_off_at', NULL, 'When its event was called off.'),
        ('first_at', NULL, 'The first scan.'),
        ('last_at', NULL, 'The last scan.')
    ) AS d (name, relation, text)
    JOIN pg_attribute a ON a.attname = d.name
    JOIN pg_class c ON c.oid = a.attrelid AND (d.relation IS NULL OR d.relation = c.relname)
    WHERE c.relnamespace IN ('holdfast'::regnamespace, 'holdfast_state'::regnamespace) AND c.relkind IN ('r', 'v')
        AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
    ORDER BY c.oid, a.attnum, d.relation NULLS LAST
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.relation, item.name, item.text);
    END LOOP;
END
$$;
