import Foundation
import WAL

@testable import Engine
@testable import Postgres

/// All rows that an event is to have, each with every column of its table, worked out here a second time.
struct WholeRows {
    typealias Row = [String: String?]

    private let event: EventInventory
    private let key: String

    init(of event: EventInventory) {
        self.event = event
        key = "\(Int64(bitPattern: event.key.rawValue))"
    }

    /// - Returns: nil for a table that isn't known here.
    func rows(of table: BookTable) -> [Row]? {
        if event.isOfTenant { return table.name == "venues" ? venues : [] }
        return switch table.name {
        case "venues": []
        case "events": [row]
        case "schedules": event.schedules.indices.map(schedule)
        case "sections": (0..<event.sectionCount).map(section)
        case "price_tiers": event.tiers.indices.map(tier)
        case "reservations": holds.map(reservation)
        case "order_lines": holds.flatMap { hold in (0..<hold.lineCount).map { line($0, of: hold) } }
        case "orders": holds.filter { $0.order != nil }.map(order)
        case "tickets": holds.filter { $0.order != nil }.flatMap(tickets)
        case "seats": seats
        default: nil
        }
    }

    // MARK: - Texts

    private static func time(_ time: Milliseconds?) -> String? { number(time) }
    private static func number(_ number: (some BinaryInteger)?) -> String? { number.map { String($0) } }
    private static func bool(_ value: Bool) -> String { value ? "t" : "f" }
    private static func text(orNull text: ShortText) -> String? { text.isEmpty ? nil : text.description }

    /// An id as the API shows it.
    private static func id(_ prefix: String, _ numbers: (UInt64, bytes: Int)...) -> String {
        var data = Data()
        for (number, bytes) in numbers {
            withUnsafeBytes(of: number.bigEndian) { data.append(contentsOf: $0.suffix(bytes)) }
        }
        return prefix
            + data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_")
    }

    // MARK: - The catalogue

    private var venues: [Row] {
        event.venues.venues.map { venue in
            let details = venue.details
            return [
                "tenant_id": event.tenant.description, "id": details.id.description, "name": details.name,
                "maximum_capacity": "\(details.maximumCapacity)", "street": details.address.street,
                "city": details.address.city, "state": details.address.state,
                "postal_code": details.address.postalCode, "country": details.address.country,
                "version": "\(venue.version)", "created_at": Self.time(venue.createdAt),
                "attributes": "{\(details.attributes)}",
            ]
        }
    }

    private var row: Row {
        let details = event.details
        return [
            "event_key": key, "tenant_id": event.tenant.description, "id": details.id.description,
            "name": details.name, "currency": details.currency.description, "status": "\(event.status)",
            "called_off_at": Self.time(event.cancelledAt), "venue_id": Self.text(orNull: details.venue),
            "starts_at": Self.time(details.startsAt), "sales_start_at": Self.time(details.salesStartAt),
            "sales_end_at": Self.time(details.salesEndAt), "version": "\(event.version)",
            "created_at": Self.time(event.createdAt), "last_command_at": Self.time(event.lastCommandAt),
            "attributes": "{\(details.attributes)}",
        ]
    }

    private func schedule(_ number: Int) -> Row {
        let schedule = event.schedules[number]
        return [
            "event_key": key, "number": "\(number)", "id": schedule.details.id.description,
            "starts_at": Self.time(schedule.details.startsAt), "ends_at": Self.time(schedule.details.endsAt),
            "doors_open_at": Self.time(schedule.details.doorsOpenAt),
            "is_cancelled": Self.bool(schedule.details.isCancelled), "version": "\(schedule.version)",
            "attributes": "{\(schedule.details.attributes)}",
        ]
    }

    private func section(_ number: Int) -> Row {
        let (details, counts) = (event.sections[number].details, event.counts(SectionNumber(number)))
        return [
            "event_key": key, "number": "\(number)", "id": details.id.description, "name": details.name,
            "code": details.code.description, "schedule_number": Self.number(details.schedule),
            "total": "\(counts.total)", "buffer": "\(counts.buffer)", "reserved": "\(counts.reserved)",
            "sold": "\(counts.sold)",
            "available": "\(counts.total - counts.buffer - counts.reserved - counts.sold)",
            "is_active": Self.bool(details.isActive), "is_visible": Self.bool(details.isVisible),
            "attributes": "{\(details.attributes)}",
        ]
    }

    private func tier(_ number: Int) -> Row {
        let tier = event.tiers[number]
        let details = tier.details
        return [
            "event_key": key, "number": "\(number)",
            "id": Self.id("prc_", (event.key.rawValue, bytes: 8), (UInt64(number), bytes: 4)),
            "name": details.name, "section_number": Self.number(details.section),
            "base_price": "\(details.basePrice)", "service_fee": "\(details.serviceFee)",
            "facility_fee": "\(details.facilityFee)", "tax_basis_points": "\(details.taxBasisPoints)",
            "is_dynamic": Self.bool(details.isDynamic), "current_price": Self.number(details.currentPrice),
            "is_active": Self.bool(details.isActive), "is_visible": Self.bool(details.isVisible),
            "version": "\(tier.version)", "attributes": "{\(details.attributes)}",
        ]
    }

    // MARK: - Reservations and what became of them

    /// Those that have their slots now; earlier ones have left the state.
    private var holds: [HoldState] { (0..<UInt32(event.holdSlotCount)).map { event.holdState($0) } }

    private func place(_ hold: HoldState) -> Row {
        [
            "event_key": key, "slot": "\(hold.reference.slot)", "generation": "\(hold.reference.generation)",
        ]
    }

    private func id(_ prefix: String, of hold: HoldState) -> String {
        Self.id(
            prefix,
            (event.key.rawValue, bytes: 8),
            (UInt64(hold.reference.slot), bytes: 4),
            (UInt64(hold.reference.generation), bytes: 4),
            (hold.secret, bytes: 8)
        )
    }

    private func reservation(_ hold: HoldState) -> Row {
        let values: Row = [
            "id": id("rsv_", of: hold), "customer_id": hold.customer.description, "status": "\(hold.status)",
            "quantity": "\(hold.quantity)", "created_at": Self.time(hold.createdAt),
            "expires_at": Self.time(hold.expiresAt),
            "ended_at": hold.status == .held ? nil : Self.time(hold.endedAt),
        ]
        return place(hold).merging(values) { $1 }
    }

    private func line(_ index: Int, of hold: HoldState) -> Row {
        let line = hold[line: index]
        let quote = line.lock.map { Quote(lock: $0, quantity: line.quantity) }
        let values: Row = [
            "line": "\(index)", "section_number": "\(line.section)", "tier_number": Self.number(line.tier),
            "tier_version": Self.number(line.lock?.tierVersion), "quantity": "\(line.quantity)",
            "unit_price": Self.number(line.lock?.unitPrice), "service_fee": Self.number(line.lock?.serviceFee),
            "facility_fee": Self.number(line.lock?.facilityFee),
            "tax_basis_points": Self.number(line.lock?.taxBasisPoints), "tax": Self.number(quote?.tax),
            "total": Self.number(quote?.total), "locked_at": Self.time(line.lock?.lockedAt),
        ]
        return place(hold).merging(values) { $1 }
    }

    private func order(_ hold: HoldState) -> Row {
        let order = hold.order!.state
        let refunds = order.refunded.count
        let values: Row = [
            "id": id("ord_", of: hold), "customer_id": hold.customer.description,
            "status": refunds == 0 ? "confirmed" : refunds == Int(hold.quantity) ? "refunded" : "partially_refunded",
            "confirmed_at": Self.time(order.confirmedAt), "quantity": "\(hold.quantity)", "total": "\(order.total)",
            "refunded": "\(hold.refundedAmount(order.refunded))", "payment_reference": order.paymentReference,
        ]
        return place(hold).merging(values) { $1 }
    }

    private func tickets(_ hold: HoldState) -> [Row] {
        var rows: [Row] = []
        for index in 0..<hold.lineCount {
            let line = hold[line: index]
            let seats = hold.seats.filter { Int($0.line) == index }.flatMap { Array($0.positions) }
            let shares = line.lock.map { TicketShares(lock: $0, quantity: line.quantity) }
            for number in 0..<line.quantity {
                let seat = seats.isEmpty ? nil : seats[Int(number)]
                let ticket = ticket(UInt32(rows.count), of: hold, line: index, seat: seat)
                rows.append(ticket.merging(Self.amounts(shares?[number] ?? .zero)) { $1 })
            }
        }
        return rows
    }

    private func ticket(_ number: UInt32, of hold: HoldState, line: Int, seat: UInt32?) -> Row {
        let order = hold.order!.state
        let section = hold[line: line].section
        let history = order.tickets.first { $0.index == number }
        let ticket = TicketID(
            number,
            of: HoldID(event: event.key, reference: hold.reference, secret: hold.secret)
        )
        let id = Self.id(
            "tkt_",
            (event.key.rawValue, bytes: 8),
            (UInt64(hold.reference.slot), bytes: 4),
            (UInt64(hold.reference.generation), bytes: 4),
            (UInt64(number), bytes: 3),
            (ticket.check, bytes: 8)
        )
        let isIn = history?.checkIn != nil
        let values: Row = [
            "number": "\(number)", "id": id, "line": "\(line)", "section_number": "\(section)",
            "seat_position": Self.number(seat),
            "seat": seat.map { event.seatName(section, $0).description },
            "holder_id": (history?.transfers.last?.holder ?? hold.customer).description,
            "status": order.refunded.contains(number) ? "refunded" : isIn ? "checked_in" : "issued",
            "has_place": Self.bool(!order.restocked.contains(number)),
            "transfers": "\(history?.transfers.count ?? 0)",
            "checked_in_at": Self.time(history?.checkIn?.scannedAt),
            "gate_id": history?.checkIn?.gate.map { event.gates[Int($0)].id.description },
        ]
        return place(hold).merging(values) { $1 }
    }

    private static func amounts(_ share: Amounts) -> Row {
        [
            "base_price": "\(share.base)", "service_fee": "\(share.serviceFee)",
            "facility_fee": "\(share.facilityFee)", "tax": "\(share.tax)",
            "total": "\(share.base + share.serviceFee + share.facilityFee + share.tax)",
        ]
    }

    // MARK: - Seats

    private struct Seat: Hashable {
        let section: UInt32
        let position: UInt32
    }

    private var seats: [Row] {
        let holders = holdersOfSeats
        var rows: [Row] = []
        for section in 0..<UInt32(event.sectionCount) {
            guard let map = event.seatMap(of: section) else { continue }
            for position in 0..<map.seatCount {
                let state = map.states.state(of: position)
                let holder =
                    state == .held || state == .sold ? holders[Seat(section: section, position: position)] : nil
                rows.append([
                    "event_key": key, "section_number": "\(section)", "position": "\(position)",
                    "name": event.seatName(section, position).description, "status": "\(state)",
                    "slot": Self.number(holder?.slot), "generation": Self.number(holder?.generation),
                ])
            }
        }
        return rows
    }

    private var holdersOfSeats: [Seat: HoldReference] {
        var holders: [Seat: HoldReference] = [:]
        for hold in holds where hold.status == .held || hold.status == .confirmed {
            let restocked = Set(hold.order?.state.restocked ?? [])
            var number: UInt32 = 0
            for index in 0..<hold.lineCount {
                let seats = hold.seats.filter { Int($0.line) == index }.flatMap { Array($0.positions) }
                for (place, seat) in seats.enumerated() where !restocked.contains(number + UInt32(place)) {
                    holders[Seat(section: hold[line: index].section, position: seat)] = hold.reference
                }
                number += hold[line: index].quantity
            }
        }
        return holders
    }
}
