/// The tables that hold the state as rows, in an order in which their references allow them to be written.
enum BookTable: Int, CaseIterable {
    case tenants, venues, events, schedules, sections, priceTiers, reservations, orderLines, orders, tickets, checkIns,
        seats, audit

    var name: String {
        switch self {
        case .tenants: "tenants"
        case .venues: "venues"
        case .events: "events"
        case .schedules: "schedules"
        case .sections: "sections"
        case .priceTiers: "price_tiers"
        case .reservations: "reservations"
        case .orderLines: "order_lines"
        case .orders: "orders"
        case .tickets: "tickets"
        case .checkIns: "check_ins"
        case .seats: "seats"
        case .audit: "audit"
        }
    }

    /// The rows of one flush that are on their way into the table.
    var arrivals: String { "arriving_\(name)" }

    var key: [String] {
        switch self {
        case .tenants: ["id"]
        case .venues: ["tenant_id", "id"]
        case .events: ["event_key"]
        case .schedules, .sections, .priceTiers: ["event_key", "number"]
        case .reservations, .orders: ["event_key", "slot", "generation"]
        case .orderLines: ["event_key", "slot", "generation", "line"]
        case .tickets, .checkIns: ["event_key", "slot", "generation", "number"]
        case .seats: ["event_key", "section_number", "position"]
        case .audit: ["position"]
        }
    }

    /// In the order in which rows have them.
    var columns: [String] { key + values }

    private var values: [String] {
        switch self {
        case .tenants: []
        case .venues:
            [
                "name", "maximum_capacity", "street", "city", "state", "postal_code", "country", "version",
                "created_at",
                "attributes",
            ]
        case .events:
            [
                "tenant_id", "id", "name", "currency", "status", "called_off_at", "venue_id", "starts_at",
                "sales_start_at", "sales_end_at", "version", "created_at", "last_command_at", "attributes",
            ]
        case .schedules: ["id", "starts_at", "ends_at", "doors_open_at", "is_cancelled", "version", "attributes"]
        case .sections:
            [
                "id", "name", "code", "schedule_number", "total", "buffer", "reserved", "sold", "available",
                "is_active",
                "is_visible", "attributes",
            ]
        case .priceTiers:
            [
                "id", "name", "section_number", "base_price", "service_fee", "facility_fee", "tax_basis_points",
                "is_dynamic", "current_price", "is_active", "is_visible", "version", "attributes",
            ]
        case .reservations: ["id", "customer_id", "status", "quantity", "created_at", "expires_at", "ended_at"]
        case .orderLines:
            [
                "section_number", "tier_number", "tier_version", "quantity", "unit_price", "service_fee",
                "facility_fee",
                "tax_basis_points", "tax", "total", "locked_at",
            ]
        case .orders:
            ["id", "customer_id", "status", "confirmed_at", "quantity", "total", "refunded", "payment_reference"]
        case .tickets:
            [
                "id", "line", "section_number", "seat_position", "seat", "holder_id", "status", "has_place",
                "base_price", "service_fee", "facility_fee", "tax", "total", "transfers", "checked_in_at", "gate_id",
                "refunded_at",
            ]
        case .checkIns: ["scanned_at", "received_at", "gate_id", "scanned_by"]
        case .seats: ["name", "status", "slot", "generation"]
        case .audit:
            ["event_key", "tenant_id", "event_id", "decided_at", "actor", "actions", "slot", "generation"]
        }
    }

    /// What only the log tells: once known it stays, also when the row is written again from the state.
    private var keptColumns: Set<String> {
        switch self {
        case .tickets: ["refunded_at"]
        case .checkIns: ["scanned_by"]
        default: []
        }
    }

    /// Makes the table for arrivals, empty at every commit.
    var declaration: String {
        "CREATE TEMP TABLE \(arrivals) ON COMMIT DELETE ROWS AS SELECT \(columns.joined(separator: ", ")) "
            + "FROM holdfast.\(name) WITH NO DATA"
    }

    /// Moves the arrivals into the table. A row that is there is changed where it differs, so that repeating it does nothing.
    var merge: String {
        let list = columns.joined(separator: ", ")
        let insert =
            "INSERT INTO holdfast.\(name) AS old (\(list)) SELECT \(list) FROM \(arrivals) "
            + "ON CONFLICT (\(key.joined(separator: ", "))) DO "
        guard !values.isEmpty, self != .audit else { return insert + "NOTHING" }
        let news = values.map { keptColumns.contains($0) ? "coalesce(old.\($0), excluded.\($0))" : "excluded.\($0)" }
            .joined(separator: ", ")
        let olds = values.map { "old.\($0)" }.joined(separator: ", ")
        return ended + insert + "UPDATE SET (\(values.joined(separator: ", "))) = ROW (\(news)) "
            + "WHERE (\(olds)) IS DISTINCT FROM (\(news))"
    }

    /// A slot that has gone to another hold while nothing was written: what its holds of before have become isn't known any
    /// more, but that they have ended.
    private var ended: String {
        guard self == .reservations else { return "" }
        return "UPDATE holdfast.reservations AS old SET status = 'ended' FROM arriving_reservations AS new "
            + "WHERE old.event_key = new.event_key AND old.slot = new.slot AND old.generation < new.generation "
            + "AND old.status = 'held'; "
    }
}
