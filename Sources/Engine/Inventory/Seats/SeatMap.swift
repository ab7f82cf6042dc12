/// The numbered seats of one section: what they are called, and what they are. A plain value; copies share their memory.
public struct SeatMap: Sendable {
    private(set) var names = SeatNames()
    private(set) var states = SeatStates()
    /// One more at every change, so that two of one section and one revision show the same.
    public internal(set) var revision: UInt64 = 0

    public var rowCount: Int { names.rowCount }
    public var seatCount: UInt32 { names.seatCount }

    /// Memory set aside.
    var byteCount: Int { names.byteCount + states.byteCount }

    /// - Precondition: there is no row of that label yet.
    mutating func add(_ row: SeatRow) {
        names.add(row)
        states.addRow(names.positions(ofRow: names.rowCount - 1))
        revision += 1
    }

    /// - Precondition: the seats stand in one row, and all of them are what they are moved from.
    mutating func move(_ seats: Range<UInt32>, from old: SeatState, to new: SeatState) {
        move(CollectionOfOne(SeatRun(first: seats.lowerBound, count: UInt16(seats.count))), from: old, to: new)
    }

    /// Moves many seats. Rows, and groups of rows, are summed up once where their runs stand behind each other.
    /// - Precondition: the seats of a run stand in one row, and all of them are what they are moved from.
    mutating func move(_ runs: some Sequence<SeatRun>, from old: SeatState, to new: SeatState) {
        var row = -1
        var positions: Range<UInt32> = 0..<0
        var staleGroup: Int?
        for run in runs {
            let seats = run.positions
            if !positions.contains(seats.lowerBound) {
                summarize(row, positions, &staleGroup)
                row = names.row(ofSeat: seats.lowerBound)
                positions = names.positions(ofRow: row)
            }
            precondition(seats.upperBound <= positions.upperBound, "seats of more than one row")
            states.move(seats, from: old, to: new)
            revision += 1
        }
        summarize(row, positions, &staleGroup)
        if let staleGroup { states.summarize(group: staleGroup) }
    }

    /// Makes the row's summary anew, and that of the group before when the row is of another one.
    private mutating func summarize(_ row: Int, _ positions: Range<UInt32>, _ staleGroup: inout Int?) {
        guard !positions.isEmpty else { return }
        let group = row / SeatStates.rowsPerGroup
        if let stale = staleGroup, stale != group {
            states.summarize(group: stale)
            staleGroup = nil
        }
        if states.summarize(row: row, positions) { staleGroup = group }
    }

    /// The row as it was given.
    public func row(_ number: Int) -> SeatRow { names.row(number) }

    /// The row's seats as stretches of one state, from its first seat on.
    public func visit(row: Int, _ body: (SeatState, Int) -> Void) {
        states.visit(names.positions(ofRow: row)) { body($0, $1.count) }
    }

    func checkInvariants() -> [String] { states.checkInvariants { names.positions(ofRow: $0) } }

    /// Positions in ascending order as stretches, none of which goes beyond its row.
    func runs(_ positions: [UInt32], line: UInt8 = 0) -> [SeatRun] {
        var runs: [SeatRun] = []
        var rowEnd: UInt32 = 0
        for position in positions {
            if let last = runs.last, last.positions.upperBound == position, position < rowEnd {
                runs[runs.count - 1].count += 1
            } else {
                rowEnd = names.positions(ofRow: names.row(ofSeat: position)).upperBound
                runs.append(SeatRun(first: position, count: 1, line: line))
            }
        }
        return runs
    }
}

// MARK: - The best seats

extension SeatMap {
    /// The best `count` free seats side by side: in the first row that has them, as near to its middle as can be, and of
    /// two that are equally near those of the lower position. Nil where no row has them.
    ///
    /// - Parameter leavingNoSingle: whether seats don't count that would leave a free seat without a free neighbour.
    func best(_ count: UInt32, leavingNoSingle: Bool) -> Range<UInt32>? {
        guard let row = states.firstRow(giving: count, leavingNoSingle: leavingNoSingle) else { return nil }
        let positions = names.positions(ofRow: row)
        var best: Range<UInt32>?
        var distance = UInt32.max
        states.visitFree(in: positions) { free in
            guard free.count >= count else { return }
            for first in free.lowerBound...(free.upperBound - count) {
                let (left, right) = (first - free.lowerBound, free.upperBound - first - count)
                if leavingNoSingle, left == 1 || right == 1 { continue }
                // Twice the distance between the middles.
                let middle = Int(first) * 2 + Int(count) - Int(positions.lowerBound) - Int(positions.upperBound)
                if UInt32(middle.magnitude) < distance {
                    distance = UInt32(middle.magnitude)
                    best = first..<first + count
                }
            }
        }
        return best
    }

    /// A free seat beside these that has no free neighbour; nil where there is none.
    func singleSeat(beside seats: Range<UInt32>) -> UInt32? {
        let row = names.positions(ofRow: names.row(ofSeat: seats.lowerBound))
        func isFree(_ position: UInt32) -> Bool { row.contains(position) && states.state(of: position) == .free }
        func isSingle(_ position: UInt32) -> Bool {
            isFree(position) && !isFree(position &- 1) && !isFree(position + 1)
        }
        if isSingle(seats.lowerBound &- 1) { return seats.lowerBound - 1 }
        return isSingle(seats.upperBound) ? seats.upperBound : nil
    }
}

/// A section's seats at one moment.
public struct SeatMapView: Equatable, Sendable {
    public let section: SectionNumber
    public let counts: SectionCounts
    public let map: SeatMap

    public static func == (left: SeatMapView, right: SeatMapView) -> Bool {
        left.section == right.section && left.counts == right.counts && left.map.revision == right.map.revision
    }
}
