// What facts do to numbered seats. Like the rest of `apply` it can't refuse: `SeatMap.move` stops the program where a seat is
// not what it is moved from, so no seat ever has two holders.

extension EventInventory {
    /// Applies `Fact.seatsAdded`.
    mutating func addSeats(_ number: SectionNumber, _ rows: [SeatRow]) {
        if sections[Int(number)].seatMap == Section.noSeatMap {
            sections[Int(number)].seatMap = UInt32(seatMaps.count)
            changeSection(number) { $0.details.buffer = 0 }
            seatMaps.append(SeatMap())
        }
        let map = Int(sections[Int(number)].seatMap)
        for row in rows { seatMaps[map].add(row) }
        let seatCount = seatMaps[map].seatCount
        changeSection(number) { $0.details.total = seatCount }
        assertStock(of: number)
    }

    /// Applies `Fact.seatsBlocked`.
    mutating func block(_ number: SectionNumber, _ runs: [SeatRun]) {
        seatMaps[Int(sections[Int(number)].seatMap)].move(runs, from: .free, to: .blocked)
        changeSection(number) { $0.details.buffer += runs.reduce(0) { $0 + UInt32($1.count) } }
        assertStock(of: number)
    }

    /// Applies `Fact.seatsUnblocked`.
    mutating func unblock(_ number: SectionNumber, _ runs: [SeatRun]) {
        seatMaps[Int(sections[Int(number)].seatMap)].move(runs, from: .blocked, to: .free)
        changeSection(number) { $0.details.buffer -= runs.reduce(0) { $0 + UInt32($1.count) } }
    }

    /// Applies `Fact.seatRevisionRestored`.
    mutating func setSeatRevision(_ number: SectionNumber, _ revision: UInt64) {
        seatMaps[Int(sections[Int(number)].seatMap)].revision = revision
    }

    /// All seats of a hold.
    @inline(__always)
    mutating func moveSeats(of slot: UInt32, from old: SeatState, to new: SeatState) {
        if holds[slot].extra != PackedHold.noExtra { moveSeats(holds.seats(slot), slot, from: old, to: new) }
    }

    mutating func moveSeats(_ runs: [SeatRun], _ slot: UInt32, from old: SeatState, to new: SeatState) {
        var rest = runs[...]
        while let line = rest.first?.line {
            let ofLine = rest.prefix { $0.line == line }
            let section = Int(holds.place(slot, Int(line)).section)
            seatMaps[Int(sections[section].seatMap)].move(ofLine, from: old, to: new)
            rest = rest.dropFirst(ofLine.count)
        }
    }

    /// Seats of tickets that are back on sale; nothing for tickets without.
    /// - Parameter tickets: ascending.
    mutating func freeSeats(ofTickets tickets: [UInt32], _ slot: UInt32) {
        let runs = holds.seats(slot)
        if !runs.isEmpty { moveSeats(seats(ofTickets: tickets, slot, runs), slot, from: .sold, to: .free) }
    }

    /// A snapshot's order without the restocked tickets from the start: somebody else may have their seats by now.
    mutating func restoreSoldSeats(_ slot: UInt32, _ state: HoldState) {
        let restocked = state.order?.state.restocked ?? []
        guard !restocked.isEmpty else { return moveSeats(state.seats, slot, from: .free, to: .sold) }
        let gone = Set(restocked)
        let tickets = (0..<state.quantity).filter { !gone.contains($0) }
        moveSeats(seats(ofTickets: tickets, slot, state.seats), slot, from: .free, to: .sold)
    }

    /// Stretches of numbered seats of the hold in the slot.
    func seatRunCount(inSlot slot: UInt32) -> Int { holds.seatRunCount(slot) }

    /// The seats of tickets, one by one; nothing for tickets without. Tickets are numbered through the lines in order, and
    /// in a line as its seats are. Every run and every ticket is looked at once.
    /// - Parameter tickets: ascending.
    private func seats(ofTickets tickets: [UInt32], _ slot: UInt32, _ runs: [SeatRun]) -> [SeatRun] {
        /// Of each line the ticket that has its next seat.
        var nextTicket: [UInt32] = [0]
        for line in 0..<holds[slot].lineCount { nextTicket.append(nextTicket[line] + holds.place(slot, line).quantity) }
        var seats: [SeatRun] = []
        seats.reserveCapacity(tickets.count)
        for run in runs {
            let ofRun = nextTicket[Int(run.line)]..<nextTicket[Int(run.line)] + UInt32(run.count)
            nextTicket[Int(run.line)] = ofRun.upperBound
            var index = tickets.firstIndex(atLeast: ofRun.lowerBound)
            while index < tickets.count, tickets[index] < ofRun.upperBound {
                let seat = run.first + (tickets[index] - ofRun.lowerBound)
                seats.append(SeatRun(first: seat, count: 1, line: run.line))
                index += 1
            }
        }
        return seats
    }
}

extension [UInt32] {
    /// Where the first of these ascending numbers stands that is `number` or more; `count` where there is none.
    fileprivate func firstIndex(atLeast number: UInt32) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
