-- One reservation in Postgres, with the rules that Holdfast keeps. Everything that the rules don't need to be in the hot
-- row is elsewhere, and the hot row is changed last, so that its lock is held as short as can be: until the commit is on disk.
CREATE TABLE section (
    id int PRIMARY KEY,
    available int NOT NULL CHECK (available >= 0),
    reserved int NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE pricing (
    section int PRIMARY KEY,
    price int NOT NULL, service int NOT NULL, facility int NOT NULL, tax int NOT NULL,
    customer_limit int NOT NULL, hold_time interval NOT NULL
);

CREATE TABLE customer (
    section int NOT NULL, id text NOT NULL, held int NOT NULL,
    PRIMARY KEY (section, id)
);

CREATE TABLE hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    section int NOT NULL, customer text NOT NULL, quantity int NOT NULL,
    price int NOT NULL, service int NOT NULL, facility int NOT NULL, tax int NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX hold_deadline ON hold (expires_at);

-- The same in one call: one round trip, and the customer's limit, the stock and the key are still each kept by the database.
CREATE FUNCTION reserve(the_section int, the_customer text, the_quantity int, the_key text) RETURNS hold AS $$
DECLARE
    kept hold;
BEGIN
    SELECT * INTO kept FROM hold WHERE idempotency_key = the_key;
    IF FOUND THEN RETURN kept; END IF;

    INSERT INTO customer AS c SELECT the_section, the_customer, the_quantity FROM pricing
        WHERE section = the_section AND the_quantity <= customer_limit
        ON CONFLICT (section, id) DO UPDATE SET held = c.held + the_quantity
        WHERE c.held + the_quantity <= (SELECT customer_limit FROM pricing WHERE section = the_section);
    IF NOT FOUND THEN RAISE EXCEPTION 'over the limit for each customer'; END IF;

    INSERT INTO hold (idempotency_key, section, customer, quantity, price, service, facility, tax, expires_at)
        SELECT the_key, the_section, the_customer, the_quantity, price, service, facility, tax, now() + hold_time
        FROM pricing WHERE section = the_section RETURNING * INTO kept;

    UPDATE section SET available = available - the_quantity, reserved = reserved + the_quantity
        WHERE id = the_section AND available >= the_quantity;
    IF NOT FOUND THEN RAISE EXCEPTION 'sold out'; END IF;
    RETURN kept;
END
$$ LANGUAGE plpgsql;
