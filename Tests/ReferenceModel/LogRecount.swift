@testable import Engine

/// One event's sales, counted once more from nothing but the facts of its log, with a word of its own for every sum and
/// prices worked out here: what reports have to agree with.
package struct LogRecount {
    package struct Money: Equatable {
        package var base: Int128 = 0
        package var fees: Int128 = 0
        package var tax: Int128 = 0
        package var total: Int128 { base + fees + tax }
    }

    package struct Sums: Equatable {
        package var tickets = 0
        package var sold = Money()
        package var refundedTickets = 0
        package var refunded = Money()
    }

    package struct Day: Equatable {
        package var orders = 0
        package var sums = Sums()
    }

    package struct Hour: Equatable {
        package var orders = 0
        package var tickets = 0
        package var total: Int128 = 0
    }

    package struct Customer: Equatable {
        package var orders = 0
        package var sums = Sums()
        package var openHolds = 0
        package var openPlaces = 0
    }

    private struct Hold {
        var customer: ShortText
        var lines: [HoldLine]
        var isSold = false
    }

    private var holds: [HoldReference: Hold] = [:]
    package private(set) var placed = 0
    package private(set) var orders = 0
    package private(set) var released = 0
    package private(set) var expired = 0
    package private(set) var sections: [SectionNumber: Sums] = [:]
    package private(set) var tiers: [TierNumber: Sums] = [:]
    /// By day and by hour since 1970.
    package private(set) var days: [Int: Day] = [:]
    package private(set) var hours: [Int: Hour] = [:]
    package private(set) var customers: [ShortText: Customer] = [:]

    package init() {}

    package var open: Int { holds.values.count { !$0.isSold } }

    /// Everything sold and refunded.
    package var total: Day {
        days.values.reduce(into: Day()) {
            $0.orders += $1.orders
            Self.add($1.sums, to: &$0.sums)
        }
    }

    package mutating func take(_ record: EventRecord) {
        for fact in record.facts { take(fact, at: record.at) }
    }

    package mutating func take(_ fact: Fact, at now: Milliseconds) {
        switch fact {
        case .holdPlaced(let state):
            placed += 1
            let lines = (0..<state.lineCount).map { state[line: $0] }
            holds[state.reference] = Hold(customer: state.customer, lines: lines)
            change(state.customer) {
                $0.openHolds += 1
                $0.openPlaces += lines.reduce(0) { $0 + Int($1.quantity) }
            }
        case .lineLocked(let reference, let line, let tier, let lock):
            holds[reference]!.lines[Int(line)].tier = tier
            holds[reference]!.lines[Int(line)].lock = lock
        case .holdReleased(let reference, _):
            released += 1
            end(reference)
        case .holdExpired(let reference, _):
            expired += 1
            end(reference)
        case .holdConfirmed(let reference, let order): sell(reference, at: order.state.confirmedAt)
        case .ticketsRefunded(let reference, let tickets, _): refund(tickets, reference, at: now)
        default: break
        }
    }

    private mutating func change(_ customer: ShortText, _ body: (inout Customer) -> Void) {
        if !customer.isEmpty { body(&customers[customer, default: Customer()]) }
    }

    private mutating func close(_ hold: Hold) {
        change(hold.customer) {
            $0.openHolds -= 1
            $0.openPlaces -= hold.lines.reduce(0) { $0 + Int($1.quantity) }
        }
    }

    private mutating func end(_ reference: HoldReference) { close(holds.removeValue(forKey: reference)!) }

    private mutating func sell(_ reference: HoldReference, at time: Milliseconds) {
        holds[reference]!.isSold = true
        let hold = holds[reference]!
        close(hold)
        orders += 1
        change(hold.customer) { $0.orders += 1 }
        days[Int(time / 86_400_000), default: Day()].orders += 1
        hours[Int(time / 3_600_000), default: Hour()].orders += 1
        for line in hold.lines {
            let sums = Sums(tickets: Int(line.quantity), sold: Self.price(of: line))
            count(sums, line, hold.customer, at: time)
            hours[Int(time / 3_600_000)]!.tickets += sums.tickets
            hours[Int(time / 3_600_000)]!.total += sums.sold.total
        }
    }

    /// A ticket gives back what it cost: the line's tax is spread evenly, what is left over borne by its first tickets.
    private mutating func refund(_ tickets: [UInt32], _ reference: HoldReference, at time: Milliseconds) {
        let hold = holds[reference]!
        for ticket in tickets {
            var place = Int(ticket)
            let line = hold.lines.first { line in
                if place < Int(line.quantity) { return true }
                place -= Int(line.quantity)
                return false
            }!
            let lock = line.lock!
            let tax = Self.price(of: line).tax
            let quantity = Int128(line.quantity)
            let share = tax / quantity + (Int128(place) < tax % quantity ? 1 : 0)
            let money = Money(
                base: Int128(lock.unitPrice),
                fees: Int128(lock.serviceFee) + Int128(lock.facilityFee),
                tax: share
            )
            count(Sums(refundedTickets: 1, refunded: money), line, hold.customer, at: time)
        }
    }

    private mutating func count(_ sums: Sums, _ line: HoldLine, _ customer: ShortText, at time: Milliseconds) {
        Self.add(sums, to: &sections[line.section, default: Sums()])
        Self.add(sums, to: &tiers[line.tier!, default: Sums()])
        Self.add(sums, to: &days[Int(time / 86_400_000), default: Day()].sums)
        change(customer) { Self.add(sums, to: &$0.sums) }
    }

    private static func price(of line: HoldLine) -> Money {
        let lock = line.lock!
        let quantity = Int128(line.quantity)
        let base = Int128(lock.unitPrice) * quantity
        let fees = (Int128(lock.serviceFee) + Int128(lock.facilityFee)) * quantity
        let tax = ModelPrice.rounded((base + fees) * Int128(lock.taxBasisPoints), by: 10_000)
        return Money(base: base, fees: fees, tax: Int128(tax))
    }

    package static func add(_ sums: Sums, to whole: inout Sums) {
        func add(_ money: Money, _ whole: inout Money) {
            whole.base += money.base
            whole.fees += money.fees
            whole.tax += money.tax
        }
        whole.tickets += sums.tickets
        whole.refundedTickets += sums.refundedTickets
        add(sums.sold, &whole.sold)
        add(sums.refunded, &whole.refunded)
    }
}
