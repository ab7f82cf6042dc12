// The rules of numbered seats: which rows may be added, which seats a reservation gets, which may be kept from sale.

extension EventInventory {
    /// The section's seats; nil for one that sells places by number only.
    func seatMap(of section: SectionNumber) -> SeatMap? {
        let map = sections[Int(section)].seatMap
        return map == Section.noSeatMap ? nil : seatMaps[Int(map)]
    }

    // MARK: - Rows

    func decideSeats(_ number: SectionNumber, _ rows: [SeatRow]) throws(Rejection) -> Decision {
        guard hasSection(number) else { throw .sectionNotFound }
        let map = seatMap(of: number)
        var view = sectionView(number)
        if map == nil {
            guard view.counts.reserved == 0, view.counts.sold == 0 else {
                throw .sectionInUse(number, reserved: view.counts.reserved, sold: view.counts.sold)
            }
            view.details.total = 0
            view.details.buffer = 0
        }
        try checkLimits(rows, map)
        var labels: Set<ShortText> = []
        var seats = 0
        for (index, row) in rows.enumerated() {
            try Self.check(row)
            guard labels.insert(row.label).inserted, map?.names.rowNumber(row.label) == nil else {
                throw .rowExists(number, index: UInt32(index))
            }
            seats += row.seatCount
        }
        view.details.total += UInt32(seats)
        view.counts.total = view.details.total
        view.counts.buffer = view.details.buffer
        return Decision(.seatsAdded(number, rows), answer: .section(view))
    }

    func checkLimits(_ rows: [SeatRow], _ map: SeatMap?) throws(Rejection) {
        guard !rows.isEmpty else { throw .invalid(.seats) }
        let rowCount = (map?.rowCount ?? 0) + rows.count
        guard rowCount <= InventoryLimits.rowsPerSectionMax else {
            throw .tooManyRows(asked: UInt32(rowCount), limit: UInt32(InventoryLimits.rowsPerSectionMax))
        }
        let there = seatMaps.reduce(0) { $0 + Int($1.seatCount) }
        let seatCount = rows.reduce(there) { $0 + min($1.seatCount, InventoryLimits.seatsPerEventMax) }
        guard seatCount <= InventoryLimits.seatsPerEventMax else {
            throw .tooManySeats(asked: UInt32(seatCount), limit: UInt32(InventoryLimits.seatsPerEventMax))
        }
    }

    static func check(_ row: SeatRow) throws(Rejection) {
        guard (1...InventoryLimits.rowLabelBytesMax).contains(Int(row.label.count)),
            (1...InventoryLimits.seatsPerRowMax).contains(row.seatCount)
        else { throw .invalid(.seats) }
        switch row.seats {
        case .numbers(let first, let step, let count):
            let last = Int64(first) + Int64(step) * Int64(count - 1)
            guard step != 0, step.magnitude <= InventoryLimits.seatNumberStepMax, last >= 0,
                max(Int64(first), last) <= InventoryLimits.seatNumberMax
            else { throw .invalid(.seats) }
        case .texts(let labels):
            for label in labels {
                let isAllowed = label.withBytes { !$0.contains(UInt8(ascii: "-")) }
                guard isAllowed, (1...InventoryLimits.seatLabelBytesMax).contains(Int(label.count)) else {
                    throw .invalid(.seats)
                }
            }
            guard Set(labels).count == labels.count else { throw .invalid(.seats) }
        }
    }

    // MARK: - Blocking

    /// Seats that are kept from sale already are passed over; so are, when they are given back, those that are not.
    func decideBlocking(
        _ number: SectionNumber,
        _ names: [ShortText],
        isBlocked: Bool
    ) throws(Rejection) -> Decision {
        guard hasSection(number) else { throw .sectionNotFound }
        guard let map = seatMap(of: number) else { throw .sectionWithoutSeats(number) }
        guard (1...InventoryLimits.seatsPerChangeMax).contains(names.count) else { throw .invalid(.seats) }
        var positions: [UInt32] = []
        for (index, name) in names.enumerated() {
            guard let position = map.names.position(of: name) else {
                throw .seatNotFound(number, index: UInt32(index))
            }
            switch map.states.state(of: position) {
            case .free: if isBlocked { positions.append(position) }
            case .blocked: if !isBlocked { positions.append(position) }
            case .held, .sold: if isBlocked { throw .seatTaken(number, seat: position) }
            }
        }
        let runs = map.runs(Set(positions).sorted())
        let changed = runs.reduce(UInt32(0)) { $0 + UInt32($1.count) }
        var view = sectionView(number)
        if isBlocked { view.counts.buffer += changed } else { view.counts.buffer -= changed }
        view.details.buffer = view.counts.buffer
        guard changed > 0 else { return Decision(nil, answer: .section(view)) }
        return Decision(
            isBlocked ? .seatsBlocked(number, runs) : .seatsUnblocked(number, runs),
            answer: .section(view)
        )
    }
}

// MARK: - Reserving

extension EventInventory {
    /// The seats of every line whose section has some: those that are named, else the best that stand together.
    ///
    /// - Precondition: sections, quantities and stock of the lines were checked.
    func chooseSeats(_ request: ReserveRequest) throws(Rejection) -> [SeatRun] {
        if seatMaps.isEmpty, request.named == nil { return [] }
        var choice = SeatChoice(request)
        // Named ones first, so that the best ones of another line don't take them.
        for index in 0...request.rest.count where !choice.names(of: index).isEmpty {
            try choice.takeNamed(index, of: self)
        }
        for index in 0...request.rest.count where choice.names(of: index).isEmpty {
            try choice.takeBest(index, of: self)
        }
        try choice.checkSingles(of: self)
        return choice.runs.sorted { ($0.line, $0.first) < ($1.line, $1.first) }
    }
}

/// The seats that one request gets, line by line. What earlier lines took is taken for the later ones.
private struct SeatChoice {
    private let request: ReserveRequest
    private(set) var runs: [SeatRun] = []
    /// The sections' seats; as they would be, where they are looked at again.
    private var maps: [(section: SectionNumber, map: SeatMap)] = []

    init(_ request: ReserveRequest) { self.request = request }

    func names(of index: Int) -> [ShortText] {
        guard let lines = request.named?.lines, index < lines.count else { return [] }
        return lines[index]
    }

    private func line(_ index: Int) -> ReserveRequest.Line { index == 0 ? request.first : request.rest[index - 1] }

    mutating func takeNamed(_ index: Int, of event: EventInventory) throws(Rejection) {
        let section = line(index).section
        guard let place = place(of: section, in: event) else { throw .sectionWithoutSeats(section) }
        guard names(of: index).count == Int(line(index).quantity) else { throw .invalid(.quantity) }
        try checkNamedOnce(names(of: index), section, maps[place].map)
        var positions: [UInt32] = []
        for (number, name) in names(of: index).enumerated() {
            guard let position = maps[place].map.names.position(of: name) else {
                throw .seatNotFound(section, index: UInt32(number))
            }
            positions.append(position)
        }
        // In the order in which they were named: that is the one a caller expects to hear of.
        for position in positions where maps[place].map.states.state(of: position) != .free {
            let isOwn = runs.contains { $0.positions.contains(position) && line(Int($0.line)).section == section }
            throw isOwn ? .seatTwice(section, seat: position) : .seatTaken(section, seat: position)
        }
        take(maps[place].map.runs(positions.sorted(), line: UInt8(index)), place, of: event)
    }

    /// Refuses a seat that is named twice, before any is looked up. No two names are of one seat.
    private func checkNamedOnce(
        _ names: [ShortText],
        _ section: SectionNumber,
        _ map: SeatMap
    ) throws(Rejection) {
        guard names.count > 1 else { return }
        var seen = Set<ShortText>(minimumCapacity: names.count)
        for (number, name) in names.enumerated() where !seen.insert(name).inserted {
            guard let seat = map.names.position(of: name) else {
                throw .seatNotFound(section, index: UInt32(number))
            }
            throw .seatTwice(section, seat: seat)
        }
    }

    mutating func takeBest(_ index: Int, of event: EventInventory) throws(Rejection) {
        let (section, quantity) = (line(index).section, line(index).quantity)
        guard let place = place(of: section, in: event) else { return }
        let leavesNoSingle = event.sections[Int(section)].details.leavesNoSingleSeat
        guard let seats = maps[place].map.best(quantity, leavingNoSingle: leavesNoSingle) else {
            throw .noSeatsTogether(section, asked: quantity)
        }
        take([SeatRun(first: seats.lowerBound, count: UInt16(quantity), line: UInt8(index))], place, of: event)
    }

    /// Where the section asks for it, no seat may be left without a free neighbour by all lines together.
    func checkSingles(of event: EventInventory) throws(Rejection) {
        for run in runs {
            let section = line(Int(run.line)).section
            guard event.sections[Int(section)].details.leavesNoSingleSeat,
                let place = maps.firstIndex(where: { $0.section == section })
            else { continue }
            if let single = maps[place].map.singleSeat(beside: run.positions) {
                throw .singleSeatLeft(section, seat: single)
            }
        }
    }

    private mutating func place(of section: SectionNumber, in event: EventInventory) -> Int? {
        if let known = maps.firstIndex(where: { $0.section == section }) { return known }
        guard let map = event.seatMap(of: section) else { return nil }
        maps.append((section, map))
        return maps.count - 1
    }

    private mutating func take(_ taken: [SeatRun], _ place: Int, of event: EventInventory) {
        runs += taken
        let section = maps[place].section
        let isLookedAtAgain = (0...request.rest.count).count { line($0).section == section } > 1
        guard isLookedAtAgain || event.sections[Int(section)].details.leavesNoSingleSeat else { return }
        maps[place].map.move(taken, from: .free, to: .held)
    }
}
