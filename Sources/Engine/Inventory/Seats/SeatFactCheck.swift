// What facts about numbered seats must be for `apply` to take them; see FactCheck.swift.

extension EventInventory {
    private static let noSeats: StaticString = "numbered seats that there are not"
    private static let taken: StaticString = "a seat was taken twice"

    /// Rows that are added.
    func contradiction(adding rows: [SeatRow], to number: SectionNumber) -> StaticString? {
        guard hasSection(number) else { return "a section that there is not" }
        let section = sections[Int(number)]
        let map = seatMap(of: number)
        guard map != nil || section.reserved == 0 && section.sold == 0 else { return "seats for a section in use" }
        guard (try? checkLimits(rows, map)) != nil else { return "more rows or seats than any rule allows" }
        var labels: Set<ShortText> = []
        for row in rows {
            guard (try? Self.check(row)) != nil else { return "a row beyond every limit" }
            guard labels.insert(row.label).inserted, map?.names.rowNumber(row.label) == nil else {
                return "a row was added twice"
            }
        }
        return nil
    }

    /// Seats that are kept from sale, or given back.
    func contradiction(moving runs: [SeatRun], of number: SectionNumber, from state: SeatState) -> StaticString? {
        guard hasSection(number), let map = seatMap(of: number) else { return Self.noSeats }
        var end: UInt32 = 0
        for run in runs {
            guard map.isInOneRow(run.positions) else { return Self.noSeats }
            // Ascending as they are written, so a seat that comes twice is noticed.
            guard run.first >= end, map.are(run.positions, state) else { return Self.taken }
            end = run.positions.upperBound
        }
        return nil
    }

    /// Whether a section with seats keeps the total and the buffer that they make.
    func isSizeKept(_ details: SectionDetails, of section: Section) -> Bool {
        section.seatMap == Section.noSeatMap
            || details.total == section.details.total && details.buffer == section.details.buffer
    }

    /// Seats that a hold names and that there are not, or that are not as many as its places.
    func contradictionOfSeats(_ hold: HoldState) -> StaticString? {
        guard hold.hasSeats else { return nil }
        var counts = [Int](repeating: 0, count: hold.lineCount)
        for run in hold.seats {
            let line = Int(run.line)
            guard line < hold.lineCount, let map = seatMap(of: hold[line: line].section),
                map.isInOneRow(run.positions)
            else { return Self.noSeats }
            counts[line] += Int(run.count)
        }
        let isComplete = counts.indices.allSatisfy { counts[$0] == 0 || counts[$0] == Int(hold[line: $0].quantity) }
        return isComplete ? nil : Self.noSeats
    }

    /// Seats that somebody else has; or places of a section of seats without any. `contradictionOfSeats` comes first.
    func contradictionOfHolding(_ hold: HoldState) -> StaticString? {
        if seatMaps.isEmpty { return nil }
        guard hold.status == .held || hold.status == .confirmed else { return nil }
        let restocked = Set(hold.order?.state.restocked ?? [])
        var seen: Set<SectionSeat> = []
        var ticket: UInt32 = 0
        for index in 0..<hold.lineCount {
            let line = hold[line: index]
            defer { ticket += line.quantity }
            guard let map = seatMap(of: line.section) else { continue }
            let seats = hold.seats.filter { Int($0.line) == index }.flatMap(\.positions)
            let tickets = ticket..<ticket + line.quantity
            // Of a time when the section had no seats: all of it went back on sale before it got them.
            if seats.isEmpty, tickets.allSatisfy(restocked.contains) { continue }
            guard seats.count == tickets.count else { return Self.noSeats }
            for (seat, ticket) in zip(seats, tickets) where !restocked.contains(ticket) {
                guard map.states.state(of: seat) == .free,
                    seen.insert(SectionSeat(section: line.section, seat: seat)).inserted
                else { return Self.taken }
            }
        }
        return nil
    }

    private struct SectionSeat: Hashable {
        let section: SectionNumber
        let seat: UInt32
    }

    /// Whether the refusal's seat can be named.
    func hasSeat(of rejection: Rejection) -> Bool {
        switch rejection {
        case .seatTaken(let section, let seat), .seatTwice(let section, let seat),
            .singleSeatLeft(let section, let seat):
            hasSection(section) && seat < seatMap(of: section)?.seatCount ?? 0
        case .seatNotFound(let section, _), .noSeatsTogether(let section, _), .rowExists(let section, _),
            .sectionInUse(let section, _, _), .sectionHasSeats(let section), .sectionWithoutSeats(let section):
            hasSection(section)
        default: true
        }
    }
}

extension SeatMap {
    /// Whether there are such seats, all of them in one row.
    func isInOneRow(_ positions: Range<UInt32>) -> Bool {
        guard !positions.isEmpty, positions.upperBound <= seatCount else { return false }
        return positions.upperBound <= names.positions(ofRow: names.row(ofSeat: positions.lowerBound)).upperBound
    }

    func are(_ positions: Range<UInt32>, _ state: SeatState) -> Bool {
        positions.allSatisfy { states.state(of: $0) == state }
    }
}
