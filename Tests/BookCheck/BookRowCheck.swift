@testable import Engine
@testable import Postgres

/// Holds every row of the books against the state of an event, worked out here a second time.
package struct BookRowCheck {
    private let connection: PostgresConnection
    private let event: EventInventory

    package init(connection: PostgresConnection, event: EventInventory) {
        self.connection = connection
        self.event = event
    }

    private var key: String { "\(Int64(bitPattern: event.key.rawValue))" }

    private func rows(_ sql: String) throws -> [[String?]] { try connection.rows(sql, [key]) }

    /// - Returns: what differs; empty when nothing does.
    package func differences() throws -> [String] {
        var found: [String] = []
        found += try compare(
            "event",
            "SELECT name, currency, status, version, attributes FROM holdfast.events WHERE event_key = $1",
            [
                [
                    event.details.name, event.details.currency.description, "\(event.status)", "\(event.version)",
                    "{\(event.details.attributes)}",
                ]
            ]
        )
        found += try sections()
        found += try holds()
        found += try tickets()
        found += try seats()
        found += try tiersAndSchedules()
        found += try checkIns()
        found += try days()
        return found
    }

    private func compare(_ what: String, _ sql: String, _ expected: [[String?]]) throws -> [String] {
        let rows = try rows(sql)
        guard rows != expected else { return [] }
        for (index, pair) in zip(rows, expected).enumerated() where pair.0 != pair.1 {
            return ["\(what) \(index): \(pair.0) instead of \(pair.1)"]
        }
        return ["\(what): \(rows.count) rows instead of \(expected.count)"]
    }

    private func sections() throws -> [String] {
        try compare(
            "section",
            """
            SELECT number, id, total, buffer, reserved, sold, available, is_active FROM holdfast.sections
            WHERE event_key = $1 ORDER BY number
            """,
            (0..<UInt32(event.sectionCount)).map { number in
                let (details, counts) = (event.sections[Int(number)].details, event.counts(number))
                return [
                    "\(number)", details.id.description, "\(counts.total)", "\(counts.buffer)", "\(counts.reserved)",
                    "\(counts.sold)", "\(counts.total - counts.buffer - counts.reserved - counts.sold)",
                    details.isActive ? "t" : "f",
                ]
            }
        )
    }

    private func tiersAndSchedules() throws -> [String] {
        try compare(
            "tier",
            """
            SELECT number, name, section_number, base_price, service_fee, version FROM holdfast.price_tiers
            WHERE event_key = $1 ORDER BY number
            """,
            event.tiers.indices.map { index in
                let tier = event.tiers[index]
                return [
                    "\(index)", tier.details.name, tier.details.section.map { "\($0)" }, "\(tier.details.basePrice)",
                    "\(tier.details.serviceFee)", "\(tier.version)",
                ]
            }
        )
            + compare(
                "schedule",
                """
                SELECT number, id, extract(epoch FROM starts_at)::numeric(20, 3) * 1000, is_cancelled, version
                FROM holdfast.schedules WHERE event_key = $1 ORDER BY number
                """,
                event.schedules.indices.map { index in
                    let schedule = event.schedules[index]
                    return [
                        "\(index)", schedule.details.id.description, "\(schedule.details.startsAt).000",
                        schedule.details.isCancelled ? "t" : "f", "\(schedule.version)",
                    ]
                }
            )
    }

    private var holdStates: [HoldState] { (0..<UInt32(event.holdSlotCount)).map { event.holdState($0) } }

    private func holds() throws -> [String] {
        // Of a slot that was used again earlier holds may be there, ended.
        try compare(
            "reservation",
            """
            SELECT slot, generation, customer_id, status, quantity, extract(epoch FROM created_at)::numeric(20, 3) * 1000,
                extract(epoch FROM expires_at)::numeric(20, 3) * 1000
            FROM holdfast.reservations r WHERE event_key = $1 AND generation = (
                SELECT max(generation) FROM holdfast.reservations s WHERE s.event_key = r.event_key AND s.slot = r.slot)
            ORDER BY slot
            """,
            holdStates.map { hold in
                [
                    "\(hold.reference.slot)", "\(hold.reference.generation)", hold.customer.description,
                    "\(hold.status)", "\(hold.quantity)", "\(hold.createdAt).000", "\(hold.expiresAt).000",
                ]
            }
        )
            + compare(
                "line",
                """
                SELECT slot, line, section_number, tier_number, quantity, unit_price, service_fee, tax, total
                FROM holdfast.order_lines l WHERE event_key = $1 AND generation = (
                    SELECT max(generation) FROM holdfast.reservations s WHERE s.event_key = l.event_key AND s.slot = l.slot)
                ORDER BY slot, line
                """,
                holdStates.flatMap { hold in
                    (0..<hold.lineCount).map { index in
                        let line = hold[line: index]
                        let quote = line.lock.map { Quote(lock: $0, quantity: line.quantity) }
                        return [
                            "\(hold.reference.slot)", "\(index)", "\(line.section)", line.tier.map { "\($0)" },
                            "\(line.quantity)", line.lock.map { "\($0.unitPrice)" },
                            line.lock.map { "\($0.serviceFee)" }, quote.map { "\($0.tax)" },
                            quote.map { "\($0.total)" },
                        ]
                    }
                }
            )
    }

    private func tickets() throws -> [String] {
        let orders = holdStates.filter { $0.order != nil }
        return try compare(
            "order",
            """
            SELECT slot, total, refunded, payment_reference, status, quantity FROM holdfast.orders
            WHERE event_key = $1 ORDER BY slot
            """,
            orders.map { hold in
                let order = hold.order!.state
                let refunds = order.refunded.count
                return [
                    "\(hold.reference.slot)", "\(order.total)", "\(hold.refundedAmount(order.refunded))",
                    order.paymentReference,
                    refunds == 0 ? "confirmed" : refunds == Int(hold.quantity) ? "refunded" : "partially_refunded",
                    "\(hold.quantity)",
                ]
            }
        )
            + compare(
                "ticket",
                "SELECT slot, number, status, has_place, holder_id FROM holdfast.tickets WHERE event_key = $1 ORDER BY 1, 2",
                orders.flatMap { hold in
                    let order = hold.order!.state
                    return (0..<hold.quantity).map { number in
                        let history = order.tickets.first { $0.index == number }
                        let status =
                            order.refunded.contains(number)
                            ? "refunded" : history?.checkIn != nil ? "checked_in" : "issued"
                        return [
                            "\(hold.reference.slot)", "\(number)", status, order.restocked.contains(number) ? "f" : "t",
                            (history?.transfers.last?.holder ?? hold.customer).description,
                        ]
                    }
                }
            )
            // What the tickets cost is what the orders cost.
            + compare(
                "sum",
                """
                SELECT o.slot FROM holdfast.orders o JOIN holdfast.tickets t USING (event_key, slot, generation)
                WHERE event_key = $1 GROUP BY o.slot, o.total, o.refunded
                HAVING sum(t.total) <> o.total OR coalesce(sum(t.total) FILTER (WHERE t.status = 'refunded'), 0) <> o.refunded
                """,
                []
            )
    }

    private func seats() throws -> [String] {
        var expected: [[String?]] = []
        for section in 0..<UInt32(event.sectionCount) {
            guard let map = event.seatMap(of: section) else { continue }
            for position in 0..<map.seatCount {
                let state = map.states.state(of: position)
                expected.append([
                    "\(section)", "\(position)", event.seatName(section, position).description, "\(state)",
                    state == .held || state == .sold ? "t" : "f",
                ])
            }
        }
        return try compare(
            "seat",
            """
            SELECT section_number, position, name, status, slot IS NOT NULL FROM holdfast.seats
            WHERE event_key = $1 ORDER BY 1, 2
            """,
            expected
        ) + holders()
    }

    private func holders() throws -> [String] {
        var expected: [[Int]] = []
        for hold in holdStates where hold.status == .held || hold.status == .confirmed {
            let restocked = Set(hold.order?.state.restocked ?? [])
            var number: UInt32 = 0
            for index in 0..<hold.lineCount {
                let seats = hold.seats.filter { Int($0.line) == index }.flatMap { Array($0.positions) }
                for (place, seat) in seats.enumerated() where !restocked.contains(number + UInt32(place)) {
                    expected.append([Int(hold[line: index].section), Int(seat), Int(hold.reference.slot)])
                }
                number += hold[line: index].quantity
            }
        }
        expected.sort { $0.lexicographicallyPrecedes($1) }
        return try compare(
            "holder",
            """
            SELECT section_number, position, slot FROM holdfast.seats
            WHERE event_key = $1 AND slot IS NOT NULL ORDER BY 1, 2
            """,
            expected.map { $0.map { "\($0)" } }
        )
    }

    // MARK: - Who came, and what was given back when

    private func checkIns() throws -> [String] {
        try compare(
            "check-in",
            """
            SELECT slot, number, extract(epoch FROM scanned_at)::numeric(20, 3) * 1000,
                extract(epoch FROM received_at)::numeric(20, 3) * 1000, gate_id
            FROM holdfast.check_ins WHERE event_key = $1 ORDER BY 1, 2
            """,
            holdStates.flatMap { hold in
                (hold.order?.state.tickets ?? []).sorted { $0.index < $1.index }.compactMap { ticket -> [String?]? in
                    guard let checkIn = ticket.checkIn else { return nil }
                    return [
                        "\(hold.reference.slot)", "\(ticket.index)", "\(checkIn.scannedAt).000",
                        "\(checkIn.receivedAt).000", checkIn.gate.map { event.gates[Int($0)].id.description },
                    ]
                }
            }
        )
    }

    /// Against the engine's own sums by day; they know the day of every refund, the books those that the log has told them.
    private func days() throws -> [String] {
        guard try connection.rows("SELECT 1 FROM holdfast.resynchronisations LIMIT 1").isEmpty else { return [] }
        return try compare(
            "day",
            """
            SELECT d.day - date '1970-01-01', d.orders, d.tickets, d.gross, d.refunded_tickets, d.refunded, d.net
            FROM holdfast.sales_by_day d JOIN holdfast.events e ON e.tenant_id = d.tenant_id AND e.id = d.event_id
            WHERE e.event_key = $1 ORDER BY 1
            """,
            event.sales.days.map { day in
                [
                    "\(day.day)", "\(day.orders)", "\(day.sums.tickets)", "\(day.sums.sold.total)",
                    "\(day.sums.refundedTickets)", "\(day.sums.refunded.total)", "\(day.sums.net)",
                ]
            }
        )
    }
}
