import Testing

@testable import Engine
@testable import ReferenceModel

/// The seats of one section by themselves: names, states, the best of them, and what they take.
@Suite struct SeatMapTests {
    private func map(_ rows: [SeatRow]) -> SeatMap {
        var map = SeatMap()
        for row in rows { map.add(row) }
        return map
    }

    // MARK: - Names

    @Test func everySeatIsFoundByItsName() throws {
        let rows = [
            SeatRow(label: "A", from: 1, to: 40), SeatRow(label: "B", from: 41, to: 1, step: 2),
            SeatRow(label: "Box-1", seats: .texts(["a", "b1", "ü"])), SeatRow(label: "10", from: 0, to: 0),
        ]
        let map = map(rows)
        #expect(map.seatCount == 65)
        #expect((0..<map.rowCount).map { map.row($0) } == rows)
        for position in 0..<map.seatCount { #expect(map.names.position(of: map.names.name(of: position)) == position) }
        #expect(map.names.name(of: 0) == "A-1")
        #expect(map.names.name(of: 41) == "B-39")
        #expect(map.names.name(of: 63) == "Box-1-ü")
        for name in [
            "A-0", "A-41", "A-01", "A-", "A", "-1", "", "B-2", "B-43", "Box-1", "Box-1-c", "10-1", "a-1", "A--1",
        ] {
            #expect(map.names.position(of: ShortText(name)!) == nil, "\(name)")
        }
    }

    /// Labels that begin alike, that end alike, that are each other's beginning; with bytes above and below all letters.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func aLabelIsFoundInALongRow(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let letters = ["a", "b", "0", "ü", "\u{0}", "\u{10FFFF}", " "]
        var labels: [ShortText] = []
        while labels.count < 1_000 {
            let text = (0...random.below(8)).map { _ in random.one(of: letters) }.joined()
            if text.utf8.count <= 16, let label = ShortText(text), !labels.contains(label) { labels.append(label) }
        }
        let row = SeatLabels(labels)
        func find(_ label: ShortText) -> Int? { label.withBytes { row.find($0) } }
        for (seat, label) in labels.enumerated() {
            #expect(row.text(seat) == label)
            #expect(find(label) == seat)
        }
        for text in ["", "c", "abc-", "aaaaaaaaaaaaaaaaa"] {
            let label = ShortText(text)!
            #expect(find(label) == labels.firstIndex(of: label))
        }
    }

    @Test func aTextPrecedesAnotherByItsBytes() {
        let texts = ["", "\u{0}", "a", "a\u{0}", "a\u{0}b", "ab", "abcdefgh", "abcdefghi", "abcdefgz", "b", "ü", "üa"]
        for (left, first) in texts.enumerated() {
            for (right, second) in texts.enumerated() {
                #expect(ShortText(first)!.precedes(ShortText(second)!) == (left < right), "\(first) \(second)")
            }
        }
    }

    // MARK: - States

    /// Long rows that begin and end inside words, against an array of states.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func statesAndTheBestSeatsAreThoseOfAnArray(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let rows = (0..<80).map { SeatRow(label: ShortText("r\($0)")!, from: 1, to: UInt32(1 + random.below(200))) }
        var map = map(rows)
        var states = [SeatState](repeating: .free, count: Int(map.seatCount))
        for step in 0..<600 {
            let row = map.names.positions(ofRow: random.below(step % 3 == 0 ? 80 : 3))
            let first = row.lowerBound + UInt32(random.below(row.count))
            let old = states[Int(first)]
            var end = first + 1
            while end < row.upperBound, states[Int(end)] == old, random.chance(90) { end += 1 }
            let new = random.one(of: SeatState.allCases.filter { $0 != old })
            map.move(first..<end, from: old, to: new)
            for seat in first..<end { states[Int(seat)] = new }
            guard step % 20 == 0 else { continue }
            #expect(states.indices.map { map.states.state(of: UInt32($0)) } == states)
            #expect(map.checkInvariants() == [])
            let (count, isStrict) = (UInt32(1 + random.below(12)), random.chance(50))
            #expect(map.best(count, leavingNoSingle: isStrict) == best(count, isStrict, map, states), "step \(step)")
        }
    }

    private func best(_ count: UInt32, _ isStrict: Bool, _ map: SeatMap, _ states: [SeatState]) -> Range<UInt32>? {
        for row in 0..<map.rowCount {
            let positions = map.names.positions(ofRow: row)
            func isFree(_ seat: Int) -> Bool {
                positions.contains(UInt32(clamping: seat)) && seat >= 0 && states[seat] == .free
            }
            var found: [(distance: Int, first: Int)] = []
            for first in Int(positions.lowerBound)..<Int(positions.upperBound) {
                let seats = first..<first + Int(count)
                guard seats.allSatisfy(isFree) else { continue }
                let leavesLeft = isFree(first - 1) && !isFree(first - 2)
                let leavesRight = isFree(seats.upperBound) && !isFree(seats.upperBound + 1)
                if isStrict, leavesLeft || leavesRight { continue }
                let left = first - Int(positions.lowerBound)
                found.append((abs(left - (Int(positions.upperBound) - seats.upperBound)), first))
            }
            if let least = found.min(by: { $0 < $1 }) { return UInt32(least.first)..<UInt32(least.first) + count }
        }
        return nil
    }

    /// Many runs at once leave what they leave one by one, and count as many changes.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func manyRunsAreMovedAsOneByOne(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var map = map((0..<200).map { SeatRow(label: ShortText("r\($0)")!, from: 1, to: UInt32(1 + random.below(40))) })
        for _ in 0..<40 {
            let share = 1 + random.below(60)
            let (old, new) = random.chance(60) ? (SeatState.free, SeatState.sold) : (.sold, .free)
            let seats = (0..<map.seatCount).filter { map.states.state(of: $0) == old && random.chance(share) }
            var runs = map.runs(seats)
            if random.chance(20) { runs.reverse() }
            var single = map
            for run in runs { single.move(run.positions, from: old, to: new) }
            map.move(runs, from: old, to: new)
            #expect(map.revision == single.revision)
            #expect((0..<map.seatCount).allSatisfy { map.states.state(of: $0) == single.states.state(of: $0) })
            #expect(map.checkInvariants() == [])
        }
    }

    /// Rows that have seats enough, and none that may be given: not one of them is looked at for it.
    @Test func rowsThatWouldLeaveASingleSeatArePassedOver() {
        var map = map((0..<130).map { SeatRow(label: ShortText("r\($0)")!, from: 1, to: 9) })
        // Of nine seats in a row three, and three, are left: a pair always leaves one alone.
        for row in 0..<130 {
            let first = map.names.positions(ofRow: row).lowerBound
            map.move(first + 3..<first + 6, from: .free, to: .sold)
        }
        #expect(map.states.firstRow(giving: 2, leavingNoSingle: true) == nil)
        #expect(map.best(2, leavingNoSingle: true) == nil)
        #expect(map.best(2, leavingNoSingle: false) == 1..<3)
        // One stretch of two in the last row is what there is to give.
        let last = map.names.positions(ofRow: 129)
        map.move(last.upperBound - 1..<last.upperBound, from: .free, to: .sold)
        #expect(map.best(2, leavingNoSingle: true) == last.upperBound - 3..<last.upperBound - 1)
        #expect(map.checkInvariants() == [])
    }

    @Test func aPageHasSoManyRowsAndSeats() {
        let map = map((0..<50).map { SeatRow(label: ShortText("r\($0)")!, from: 1, to: $0 < 30 ? 1_000 : 10) })
        #expect(map.page(from: 0, limit: 200) == 0..<20)
        #expect(map.page(from: 0, limit: 7) == 0..<7)
        #expect(map.page(from: 20, limit: 200) == 20..<50)
        #expect(map.page(from: 5, limit: 200) == 5..<25)
        #expect(map.page(from: 50, limit: 200).isEmpty)
        #expect(map.page(from: 9_999, limit: 200).isEmpty)
    }

    @Test func aCopyKeepsWhatItWas() {
        var map = map([SeatRow(label: "A", from: 1, to: 100)])
        let copy = map
        map.move(10..<20, from: .free, to: .sold)
        #expect(copy.states.state(of: 10) == .free)
        #expect(copy.revision + 1 == map.revision)
        #expect(copy.best(100, leavingNoSingle: false) == 0..<100)
    }

    // MARK: - One holder

    @Test func aSecondHolderStopsTheProgram() async {
        await #expect(processExitsWith: .failure) {
            var map = SeatMap()
            map.add(SeatRow(label: "A", from: 1, to: 10))
            map.move(0..<4, from: .free, to: .held)
            map.move(3..<5, from: .free, to: .held)
        }
    }

    // MARK: - Limits

    private func event(sections: Int) throws -> EventInventory {
        let details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        var event = EventInventory(creating: .eventCreated(tenant: "shop", details, at: 1))!
        for number in 0..<sections {
            event.apply(.sectionAdded(SectionDetails(id: ShortText("s\(number)")!, name: "S", total: 0)))
        }
        return event
    }

    private func rows(_ count: Int, seats: UInt32, from first: Int = 0) -> [SeatRow] {
        (first..<first + count).map { SeatRow(label: ShortText("r\($0)")!, from: 1, to: seats) }
    }

    @Test func rowsAndSeatsHaveLimitsWithTheirOwnAnswers() throws {
        var event = try event(sections: 3)
        let context = CommandContext(tenant: "shop", now: 2, random: (0, 0))
        func add(_ section: SectionNumber, _ rows: [SeatRow]) -> Result<Decision, Rejection> {
            Result { () throws(Rejection) in try event.decide(.addSeats(section, rows), context) }
        }
        for fact in try add(0, rows(10_000, seats: 1)).get().facts { event.apply(fact) }
        #expect(throws: Rejection.tooManyRows(asked: 10_001, limit: 10_000)) {
            try add(0, rows(1, seats: 1, from: 10_000)).get()
        }
        for fact in try add(1, rows(990, seats: 1_000)).get().facts { event.apply(fact) }
        #expect(throws: Rejection.tooManySeats(asked: 1_000_001, limit: 1_000_000)) {
            try add(2, [SeatRow(label: "x", from: 1, to: 1)]).get()
        }
        let long = ShortText(String(repeating: "x", count: 41))!
        for row in [
            SeatRow(label: .empty, from: 1, to: 2), SeatRow(label: long, from: 1, to: 2),
            SeatRow(label: "x", from: 1, to: 1_001), SeatRow(label: "x", from: 1, to: 1_000_001, step: 100),
            SeatRow(label: "x", seats: .texts([])), SeatRow(label: "x", seats: .texts(["1-2"])),
            SeatRow(label: "x", seats: .texts(["1", "1"])),
            SeatRow(label: "x", seats: .texts([ShortText(String(repeating: "x", count: 17))!])),
            SeatRow(label: "x", seats: .numbers(first: 1, step: 0, count: 2)),
            SeatRow(label: "x", seats: .numbers(first: 1, step: -1, count: 3)),
        ] {
            let decision = Result { () throws(Rejection) in try event.decide(.addSeats(2, [row]), context) }
            #expect(throws: Rejection.self) { try decision.get() }
        }
        #expect(event.checkInvariants() == [])
    }

    // MARK: - Memory

    /// Seats that nobody has bought, in rows of different lengths and with names of both kinds.
    @Test(
        arguments: [
            (1_000, 1_000, false, 1.0), (10_000, 100, false, 2), (100_000, 10, false, 8), (2_000, 100, true, 9),
            (20_000, 10, true, 16),
        ] as [(Int, Int, Bool, Double)]
    )
    func anUnsoldSeatTakesLittleMemory(rows: Int, seats: Int, isLabelled: Bool, bytesMax: Double) {
        var maps: [SeatMap] = []
        let labels = isLabelled ? (0..<seats).map { ShortText("\($0)a")! } : []
        for row in 0..<rows {
            if row % InventoryLimits.rowsPerSectionMax == 0 { maps.append(SeatMap()) }
            let label = ShortText("Row \(row)")!
            let new =
                isLabelled
                ? SeatRow(label: label, seats: .texts(labels)) : SeatRow(label: label, from: 1, to: UInt32(seats))
            maps[maps.count - 1].add(new)
        }
        let bytes = Double(maps.reduce(0) { $0 + $1.byteCount }) / Double(rows * seats)
        #expect(maps.reduce(0) { $0 + Int($1.seatCount) } == rows * seats)
        #expect(bytes <= bytesMax, "\(bytes) bytes a seat")
    }
}
