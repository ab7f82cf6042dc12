extension EventInventory {
    /// Recounts everything that is kept as a running number; empty when all is well.
    public func checkInvariants() -> [String] {
        var broken: [String] = []
        var reserved = [UInt64](repeating: 0, count: sections.count)
        var sold = [UInt64](repeating: 0, count: sections.count)
        var openHolds: [UInt32: UInt32] = [:]
        var chained: [UInt32: UInt32] = [:]
        for slot in 0..<UInt32(holds.count) {
            let hold = holds[slot]
            count(slot, &reserved, &sold)
            guard hold.customer != CustomerTable.none else { continue }
            if hold.status == .held { openHolds[hold.customer, default: 0] += 1 }
            if hold.status == .held || hold.status == .confirmed { chained[hold.customer, default: 0] += 1 }
        }
        for (number, section) in sections.enumerated() {
            broken += check(section, number, reserved: reserved[number], sold: sold[number])
        }
        for (customer, expected) in chained {
            let length = chainLength(of: customer)
            if length != expected { broken.append("customer \(customer): \(length) holds in chain, \(expected) live") }
            let open = openHolds[customer] ?? 0
            if UInt32(customers[customer].openHolds) != open {
                broken.append("customer \(customer): open holds miscounted")
            }
        }
        broken += checkStock()
        broken += checkSeats()
        broken += checkSales()
        broken += checkTallies()
        if !venues.isInOrder { broken.append("tenant \(tenant): venues out of order") }
        for section in sections where section.details.schedule.map({ $0 >= UInt32(schedules.count) }) ?? false {
            broken.append("section \(section.details.id) is of a schedule that there is not")
        }
        return broken
    }

    private func count(_ slot: UInt32, _ reserved: inout [UInt64], _ sold: inout [UInt64]) {
        let state = holdState(slot)
        var tickets: [Int] = []
        for index in 0..<state.lineCount {
            let line = state[line: index]
            if state.status == .held { reserved[Int(line.section)] += UInt64(line.quantity) }
            tickets += Array(repeating: Int(line.section), count: Int(line.quantity))
        }
        guard state.status == .confirmed else { return }
        let restocked = Set(state.order?.state.restocked ?? [])
        for (ticket, section) in tickets.enumerated() where !restocked.contains(UInt32(ticket)) { sold[section] += 1 }
    }

    private func check(_ section: Section, _ number: Int, reserved: UInt64, sold: UInt64) -> [String] {
        var broken: [String] = []
        let place = "event \(details.id), section \(sectionID(SectionNumber(number)))"
        if UInt64(section.reserved) != reserved {
            broken.append("\(place): \(section.reserved) reserved, but live holds add up to \(reserved)")
        }
        if UInt64(section.sold) != sold {
            broken.append("\(place): \(section.sold) sold, but orders add up to \(sold)")
        }
        let committed = UInt64(section.reserved) + UInt64(section.sold) + UInt64(section.details.buffer)
        if committed > UInt64(section.details.total) {
            broken.append("\(place): oversold, \(committed) committed of \(section.details.total)")
        }
        return broken
    }

    private func chainLength(of customer: UInt32) -> UInt32 {
        var length: UInt32 = 0
        var slot = customers[customer].firstHold
        while slot != HoldSlab.none, length <= UInt32(holds.count) {
            length += 1
            slot = holds[slot].next
        }
        return length
    }
}

// MARK: - Numbered seats

extension EventInventory {
    /// Every seat has at most one holder, is what its holder makes it, and the section's counts are those of its seats.
    func checkSeats() -> [String] {
        guard !seatMaps.isEmpty else { return [] }
        var broken: [String] = []
        var expected = sections.map { section in
            let map = section.seatMap
            return [SeatState](
                repeating: .free,
                count: map == Section.noSeatMap ? 0 : Int(seatMaps[Int(map)].seatCount)
            )
        }
        for slot in 0..<UInt32(holds.count) { hold(slot, &expected, &broken) }
        for (number, section) in sections.enumerated() where section.seatMap != Section.noSeatMap {
            broken += check(section, SectionNumber(number), expected[number])
        }
        return broken
    }

    /// Puts the seats of a live or confirmed hold into `expected`.
    private func hold(_ slot: UInt32, _ expected: inout [[SeatState]], _ broken: inout [String]) {
        let state = holdState(slot)
        guard state.hasSeats, state.status == .held || state.status == .confirmed else { return }
        let restocked = Set(state.order?.state.restocked ?? [])
        var ticket: UInt32 = 0
        for index in 0..<state.lineCount {
            let line = state[line: index]
            let seats = state.seats.filter { Int($0.line) == index }.flatMap { Array($0.positions) }
            if !seats.isEmpty, seats.count != Int(line.quantity) {
                broken.append("hold \(slot): \(seats.count) seats for \(line.quantity) places")
            }
            for (place, seat) in seats.enumerated() where !restocked.contains(ticket + UInt32(place)) {
                if expected[Int(line.section)][Int(seat)] != .free {
                    broken.append("seat \(seatName(line.section, seat)) of section \(line.section) has two holders")
                }
                expected[Int(line.section)][Int(seat)] = state.status == .held ? .held : .sold
            }
            ticket += line.quantity
        }
    }

    private func check(_ section: Section, _ number: SectionNumber, _ expected: [SeatState]) -> [String] {
        let map = seatMaps[Int(section.seatMap)]
        var broken = map.checkInvariants().map { "section \(number): \($0)" }
        var counts: [SeatState: UInt32] = [:]
        for (seat, holder) in expected.enumerated() {
            let state = map.states.state(of: UInt32(seat))
            counts[state, default: 0] += 1
            guard state != holder, !(state == .blocked && holder == .free) else { continue }
            broken.append("seat \(seatName(number, UInt32(seat))) is \(state), its holder makes it \(holder)")
        }
        let found = SectionCounts(
            total: map.seatCount,
            buffer: counts[.blocked] ?? 0,
            reserved: counts[.held] ?? 0,
            sold: counts[.sold] ?? 0
        )
        if found != section.counts { broken.append("section \(number): \(section.counts), but its seats say \(found)") }
        return broken
    }
}
