import Engine

/// Numbered seats in the model: an array of seats a section, walked through for every question.
extension ModelEvent {
    struct Seat {
        var name: ShortText
        var row: Int
        var isBlocked = false
    }

    // MARK: - The organizer

    mutating func addSeats(
        _ number: SectionNumber,
        _ rows: [SeatRow],
        venueMaximum: UInt32?
    ) -> ModelExpectation {
        guard number < sections.count else { return .refusal([.sectionNotFound]) }
        var wrong: [Rejection] = []
        let old = sections[Int(number)].seats
        if old.isEmpty, reserved(number) + sold(number) > 0 {
            wrong.append(.sectionInUse(number, reserved: reserved(number), sold: sold(number)))
        }
        if rows.isEmpty { wrong.append(.invalid(.seats)) }
        var labels = Set(sections[Int(number)].rowLabels)
        for (index, row) in rows.enumerated() {
            if !Self.isPossible(row) { wrong.append(.invalid(.seats)) }
            if !labels.insert(row.label).inserted { wrong.append(.rowExists(number, index: UInt32(index))) }
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        var larger = sections[Int(number)].details
        larger.total = UInt32(old.count + rows.reduce(0) { $0 + Self.labels($1).count })
        wrong = wrongSize(larger, of: Int(number), venueMaximum)
        guard wrong.isEmpty else { return .refusal(wrong) }
        if old.isEmpty { sections[Int(number)].details.buffer = 0 }
        for row in rows {
            sections[Int(number)].rowLabels.append(row.label)
            for label in Self.labels(row) {
                let name = ShortText("\(row.label)-\(label)")!
                sections[Int(number)].seats.append(Seat(name: name, row: sections[Int(number)].rowLabels.count))
            }
        }
        sections[Int(number)].details.total = UInt32(sections[Int(number)].seats.count)
        return .answer(sectionView(number))
    }

    mutating func block(_ number: SectionNumber, _ names: [ShortText], isBlocked: Bool) -> ModelExpectation {
        guard number < sections.count else { return .refusal([.sectionNotFound]) }
        let section = sections[Int(number)]
        guard !section.seats.isEmpty else { return .refusal([.sectionWithoutSeats(number)]) }
        guard !names.isEmpty else { return .refusal([.invalid(.seats)]) }
        let free = freeSeats(number)
        var wrong: [Rejection] = []
        var changed: Set<Int> = []
        for (index, name) in names.enumerated() {
            guard let seat = section.seats.firstIndex(where: { $0.name == name }) else {
                wrong.append(.seatNotFound(number, index: UInt32(index)))
                continue
            }
            if isBlocked, !free[seat], !section.seats[seat].isBlocked {
                wrong.append(.seatTaken(number, seat: UInt32(seat)))
            }
            if section.seats[seat].isBlocked != isBlocked { changed.insert(seat) }
        }
        // Nobody else's seat is given back.
        if !isBlocked { changed = changed.filter { section.seats[$0].isBlocked } }
        guard wrong.isEmpty else { return .refusal(wrong) }
        for seat in changed { sections[Int(number)].seats[seat].isBlocked = isBlocked }
        let blocked = sections[Int(number)].seats.count { $0.isBlocked }
        sections[Int(number)].details.buffer = UInt32(blocked)
        return .answer(sectionView(number))
    }

    private static func isPossible(_ row: SeatRow) -> Bool {
        let labels = labels(row)
        let areNumbersPossible =
            switch row.seats {
            case .numbers(let first, let step, let count):
                step != 0 && abs(Int(step)) <= 100 && first <= 1_000_000
                    && (0...1_000_000).contains(Int(first) + Int(step) * (Int(count) - 1))
            case .texts: true
            }
        return (1...40).contains(Int(row.label.count)) && (1...1_000).contains(labels.count) && areNumbersPossible
            && Set(labels).count == labels.count
            && labels.allSatisfy { (1...16).contains($0.utf8.count) && !$0.contains("-") }
    }

    private static func labels(_ row: SeatRow) -> [String] {
        switch row.seats {
        case .numbers(let first, let step, let count): (0..<Int(count)).map { "\(Int(first) + Int(step) * $0)" }
        case .texts(let labels): labels.map(\.description)
        }
    }

    // MARK: - What the seats are

    /// Whether each seat of the section is free: neither blocked, nor held, nor sold and not back on sale.
    func freeSeats(_ section: SectionNumber) -> [Bool] { seatStates(section).map { $0 == .free } }

    func seatStates(_ section: SectionNumber) -> [SeatState] {
        var states = sections[Int(section)].seats.map { $0.isBlocked ? SeatState.blocked : .free }
        for hold in holds where hold.state.status == .held || hold.state.status == .confirmed {
            let restocked = Set(hold.state.order?.state.restocked ?? [])
            for (ticket, seat) in hold.seatOfTicket.enumerated() where !restocked.contains(UInt32(ticket)) {
                guard let seat, hold.sectionOfTicket[ticket] == section else { continue }
                states[Int(seat)] = hold.state.status == .held ? .held : .sold
            }
        }
        return states
    }

    // MARK: - Reserving

    struct WrongSeats: Error { var reasons: [Rejection] }

    /// The seats of all lines, or why they can't have them.
    func chooseSeats(_ request: ReserveRequest) -> Result<[SeatRun], WrongSeats> {
        let lines = [request.first] + request.rest
        var free: [SectionNumber: [Bool]] = [:]
        for line in lines { free[line.section] = freeSeats(line.section) }
        var taken: [(line: Int, seats: [Int])] = []
        let named = lines.indices.map { request.named.map(\.lines)?.dropFirst($0).first ?? [] }
        for (index, line) in lines.enumerated() where !named[index].isEmpty {
            let own = taken.filter { lines[$0.line].section == line.section }.flatMap(\.seats)
            switch seats(named[index], line, free[line.section]!, own) {
            case .failure(let wrong): return .failure(wrong)
            case .success(let seats):
                for seat in seats { free[line.section]![seat] = false }
                taken.append((index, seats))
            }
        }
        for (index, line) in lines.enumerated() where named[index].isEmpty {
            guard !sections[Int(line.section)].seats.isEmpty else { continue }
            guard let seats = best(Int(line.quantity), line.section, free[line.section]!) else {
                return .failure(WrongSeats(reasons: [.noSeatsTogether(line.section, asked: line.quantity)]))
            }
            for seat in seats { free[line.section]![seat] = false }
            taken.append((index, seats))
        }
        var singles: [Rejection] = []
        for (index, seats) in taken where sections[Int(lines[index].section)].details.leavesNoSingleSeat {
            let section = lines[index].section
            for seat in seats {
                for beside in [seat - 1, seat + 1] where isSingle(beside, section, free[section]!) {
                    if isSameRow(seat, beside, section) {
                        singles.append(.singleSeatLeft(section, seat: UInt32(beside)))
                    }
                }
            }
        }
        guard singles.isEmpty else { return .failure(WrongSeats(reasons: singles)) }
        return .success(runs(taken, lines.map(\.section)))
    }

    private func seats(
        _ names: [ShortText],
        _ line: ReserveRequest.Line,
        _ free: [Bool],
        _ own: [Int]
    ) -> Result<[Int], WrongSeats> {
        let there = sections[Int(line.section)].seats
        guard !there.isEmpty else { return .failure(WrongSeats(reasons: [.sectionWithoutSeats(line.section)])) }
        guard names.count == Int(line.quantity) else { return .failure(WrongSeats(reasons: [.invalid(.quantity)])) }
        var wrong: [Rejection] = []
        var seats: [Int] = []
        for (index, name) in names.enumerated() {
            guard let seat = there.firstIndex(where: { $0.name == name }) else {
                wrong.append(.seatNotFound(line.section, index: UInt32(index)))
                continue
            }
            if seats.contains(seat) { wrong.append(.seatTwice(line.section, seat: UInt32(seat))) }
            if !free[seat] {
                let isOwn = own.contains(seat)
                wrong.append(
                    isOwn
                        ? .seatTwice(line.section, seat: UInt32(seat)) : .seatTaken(line.section, seat: UInt32(seat))
                )
            }
            seats.append(seat)
        }
        return wrong.isEmpty ? .success(seats.sorted()) : .failure(WrongSeats(reasons: wrong))
    }

    /// In the first row that has them, nearest to its middle, then lowest.
    private func best(_ count: Int, _ section: SectionNumber, _ free: [Bool]) -> [Int]? {
        let seats = sections[Int(section)].seats
        for row in Set(seats.map(\.row)).sorted() {
            let places = seats.indices.filter { seats[$0].row == row }
            guard places.count >= count else { continue }
            var found: (distance: Double, seats: [Int])?
            for start in 0...(places.count - count) {
                let chosen = Array(places[start..<start + count])
                guard chosen.allSatisfy({ free[$0] }) else { continue }
                var after = free
                for seat in chosen { after[seat] = false }
                let leavesSingle = [chosen[0] - 1, chosen[count - 1] + 1].contains {
                    places.contains($0) && isSingle($0, section, after)
                }
                if leavesSingle, sections[Int(section)].details.leavesNoSingleSeat { continue }
                let distance = abs(Double(start) + Double(count) / 2 - Double(places.count) / 2)
                if found == nil || distance < found!.distance { found = (distance, chosen) }
            }
            if let found { return found.seats }
        }
        return nil
    }

    private func isSameRow(_ seat: Int, _ other: Int, _ section: SectionNumber) -> Bool {
        let seats = sections[Int(section)].seats
        return seats.indices.contains(other) && seats[seat].row == seats[other].row
    }

    /// A free seat that has nobody's free seat beside it in its row.
    private func isSingle(_ seat: Int, _ section: SectionNumber, _ free: [Bool]) -> Bool {
        guard free.indices.contains(seat), free[seat] else { return false }
        return ![seat - 1, seat + 1].contains { isSameRow(seat, $0, section) && free[$0] }
    }

    private func runs(_ taken: [(line: Int, seats: [Int])], _ sections: [SectionNumber]) -> [SeatRun] {
        var runs: [SeatRun] = []
        for (line, seats) in taken.sorted(by: { $0.line < $1.line }) {
            for (index, seat) in seats.enumerated() {
                let goesOn = index > 0 && seats[index - 1] == seat - 1 && isSameRow(seat, seat - 1, sections[line])
                if goesOn {
                    runs[runs.count - 1].count += 1
                } else {
                    runs.append(SeatRun(first: UInt32(seat), count: 1, line: UInt8(line)))
                }
            }
        }
        return runs
    }
}

extension ModelEvent.Hold {
    /// The position of each ticket's seat; nil for a ticket without.
    var seatOfTicket: [UInt32?] {
        lines.enumerated().flatMap { index, line -> [UInt32?] in
            let seats = state.seats.filter { Int($0.line) == index }.flatMap { Array($0.positions) }
            return seats.isEmpty ? Array(repeating: nil, count: Int(line.quantity)) : seats
        }
    }
}

// MARK: - Random seats

extension ModelCommands {
    mutating func rows(_ model: ModelEvent, _ section: Int) -> [SeatRow] {
        let there = section < model.sections.count ? model.sections[section].rowLabels.count : 0
        if chance(2) { return [] }
        return (0...below(3)).map { index in
            let label = ShortText("r\(chance(4) ? there : there + index)\(chance(20) ? "-x" : "")")!
            if chance(30) {
                let labels = (0...below(4)).map { ShortText(chance(2) ? "a-\($0)" : "s\(chance(2) ? 0 : $0)")! }
                return SeatRow(label: chance(2) ? .empty : label, seats: .texts(labels))
            }
            let step = [1, 2, -1, -2, 1, 1, chance(5) ? 0 : 1][below(7)]
            let count = UInt32(chance(2) ? 0 : 1 + below(chance(10) ? 90 : 9))
            return SeatRow(
                label: label,
                seats: .numbers(first: UInt32(below(300)), step: Int16(step), count: count)
            )
        }
    }

    /// Names of seats that often stand together, often free, sometimes twice, sometimes not there.
    mutating func seatNames(_ model: ModelEvent, _ section: SectionNumber, _ count: Int) -> [ShortText] {
        let seats = section < model.sections.count ? model.sections[Int(section)].seats : []
        guard !seats.isEmpty else { return (0..<count).map { ShortText("r1-\($0)")! } }
        let free = chance(85) ? model.freeSeats(section) : seats.map { _ in true }
        let places = seats.indices.filter { free[$0] }
        guard !places.isEmpty else { return [seats[below(seats.count)].name] }
        guard count > 0 else { return [] }
        let start = below(places.count)
        var names = (0..<count).map { seats[places[(start + $0 * (chance(20) ? 2 : 1)) % places.count]].name }
        if chance(3) { names[below(names.count)] = chance(50) ? "r1-01" : "nowhere" }
        return names
    }
}
