// What facts do to numbered seats. Like the rest of `apply` it can't refuse: `SeatMap.move` stops the program where a seat is
// not what it is moved from, so no seat ever has two holders.

extension EventInventory {
    /// Applies `Fact.seatsAdded`.
    mutating func addSeats(_ number: SectionNumber, _ rows: [SeatRow]) {
        if sections[Int(number)].seatMap == Section.noSeatMap {
            sections[Int(number)].seatMap = UInt32(seatMaps.count)
            sections[Int(number)].details.buffer = 0
            seatMaps.append(SeatMap())
        }
        let map = Int(sections[Int(number)].seatMap)
        for row in rows { seatMaps[map].add(row) }
        sections[Int(number)].details.total = seatMaps[map].seatCount
        assertStock(of: number)
    }

    /// Applies `Fact.seatsBlocked`.
    mutating func block(_ number: SectionNumber, _ runs: [SeatRun]) {
        for run in runs {
            seatMaps[Int(sections[Int(number)].seatMap)].move(run.positions, from: .free, to: .blocked)
            sections[Int(number)].details.buffer += UInt32(run.count)
        }
        assertStock(of: number)
    }

    /// Applies `Fact.seatsUnblocked`.
    mutating func unblock(_ number: SectionNumber, _ runs: [SeatRun]) {
        for run in runs {
            seatMaps[Int(sections[Int(number)].seatMap)].move(run.positions, from: .blocked, to: .free)
            sections[Int(number)].details.buffer -= UInt32(run.count)
        }
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
        for run in runs {
            let section = Int(holds.place(slot, Int(run.line)).section)
            seatMaps[Int(sections[section].seatMap)].move(run.positions, from: old, to: new)
        }
    }

    /// Seats of tickets that are back on sale; nothing for tickets without.
    mutating func freeSeats(ofTickets tickets: [UInt32], _ slot: UInt32) {
        let runs = holds.seats(slot)
        guard !runs.isEmpty else { return }
        for ticket in tickets {
            guard let (line, seat) = seat(ofTicket: ticket, slot, runs) else { continue }
            let section = Int(holds.place(slot, line).section)
            seatMaps[Int(sections[section].seatMap)].move(seat..<seat + 1, from: .sold, to: .free)
        }
    }

    /// A snapshot's order without the restocked tickets from the start: somebody else may have their seats by now.
    mutating func restoreSoldSeats(_ slot: UInt32, _ state: HoldState) {
        let restocked = state.order?.state.restocked ?? []
        guard !restocked.isEmpty else { return moveSeats(state.seats, slot, from: .free, to: .sold) }
        let gone = Set(restocked)
        for ticket in 0..<state.quantity where !gone.contains(ticket) {
            guard let (line, seat) = seat(ofTicket: ticket, slot, state.seats) else { continue }
            let section = Int(holds.place(slot, line).section)
            seatMaps[Int(sections[section].seatMap)].move(seat..<seat + 1, from: .free, to: .sold)
        }
    }

    /// Tickets are numbered through the lines in order, and in a line by the positions of its seats.
    private func seat(ofTicket ticket: UInt32, _ slot: UInt32, _ runs: [SeatRun]) -> (line: Int, seat: UInt32)? {
        var rest = ticket
        for line in 0..<holds[slot].lineCount {
            let quantity = holds.place(slot, line).quantity
            guard rest >= quantity else {
                for run in runs where Int(run.line) == line {
                    if rest < UInt32(run.count) { return (line, run.first + rest) }
                    rest -= UInt32(run.count)
                }
                return nil
            }
            rest -= quantity
        }
        return nil
    }
}
