/// What the seats of a section are: three bits a seat in row-major order, and above them how long the stretches of free seats
/// are in each row and in each 64 rows, so that a search passes over rows that don't have what it looks for.
///
/// Invariants, checked by `checkInvariants`: a seat is one of free, sold and blocked, or else held; the summaries are
/// those of the bits.
struct SeatStates: Sendable {
    /// 64 seats. One that has no bit set is held.
    private struct Word: Sendable {
        var free: UInt64 = 0
        var sold: UInt64 = 0
        var blocked: UInt64 = 0

        subscript(state: SeatState) -> UInt64 {
            switch state {
            case .free: free
            case .sold: sold
            case .blocked: blocked
            case .held: ~(free | sold | blocked)
            }
        }

        mutating func move(_ mask: UInt64, to state: SeatState) {
            free = free & ~mask | (state == .free ? mask : 0)
            sold = sold & ~mask | (state == .sold ? mask : 0)
            blocked = blocked & ~mask | (state == .blocked ? mask : 0)
        }
    }

    static let rowsPerGroup = 64

    private var words = PagedArray<Word>()
    private var freeInRow = PagedArray<FreeStretches>()
    private var freeInGroup: ContiguousArray<FreeStretches> = []

    /// Memory set aside.
    var byteCount: Int {
        words.byteCount + freeInRow.byteCount + freeInGroup.capacity * MemoryLayout<FreeStretches>.stride
    }

    /// Adds a row of free seats behind the last one.
    mutating func addRow(_ positions: Range<UInt32>) {
        while words.count * 64 < Int(positions.upperBound) { words.append(Word()) }
        visitWords(positions) { words[$0].move($1, to: .free) }
        var free = FreeStretches()
        free.add(positions.count)
        freeInRow.append(free)
        let group = (freeInRow.count - 1) / Self.rowsPerGroup
        if group == freeInGroup.count { freeInGroup.append(FreeStretches()) }
        freeInGroup[group].add(free)
    }

    func state(of position: UInt32) -> SeatState {
        let word = words[Int(position >> 6)]
        let bit = UInt64(1) << UInt64(position & 63)
        if word.free & bit != 0 { return .free }
        if word.sold & bit != 0 { return .sold }
        return word.blocked & bit != 0 ? .blocked : .held
    }

    /// Moves seats of a row whose summary is made anew afterwards, by `summarize`.
    /// - Precondition: all of them are what they are moved from.
    mutating func move(_ positions: Range<UInt32>, from old: SeatState, to new: SeatState) {
        visitWords(positions) { index, mask in
            precondition(words[index][old] & mask == mask, "a seat is moved from a state that it isn't in")
            words[index].move(mask, to: new)
        }
    }

    /// Makes the summary of a row anew, after its seats have been moved.
    /// - Returns: whether that of its group, `row / rowsPerGroup`, may be another one now: see `summarize(group:)`.
    mutating func summarize(row: Int, _ positions: Range<UInt32>) -> Bool {
        let before = freeInRow[row]
        let now = free(in: positions)
        guard now != before else { return false }
        freeInRow[row] = now
        let longest = freeInGroup[row / Self.rowsPerGroup].longest
        return max(now.longest, before.longest) + 1 >= longest
    }

    mutating func summarize(group: Int) { freeInGroup[group] = free(inGroup: group) }

    private func free(inGroup group: Int) -> FreeStretches {
        let first = group * Self.rowsPerGroup
        var free = FreeStretches()
        for row in first..<min(first + Self.rowsPerGroup, freeInRow.count) { free.add(freeInRow[row]) }
        return free
    }

    private func free(in positions: Range<UInt32>) -> FreeStretches {
        var free = FreeStretches()
        visitFree(in: positions) { free.add($0.count) }
        return free
    }

    // MARK: - Looking

    /// The first row that can give `count` free seats side by side; nil where none can. Looks at one summary for each 64
    /// rows, and at those of 64 rows.
    func firstRow(giving count: UInt32, leavingNoSingle: Bool) -> Int? {
        for group in freeInGroup.indices where freeInGroup[group].gives(count, leavingNoSingle) {
            let first = group * Self.rowsPerGroup
            for row in first..<min(first + Self.rowsPerGroup, freeInRow.count)
            where freeInRow[row].gives(count, leavingNoSingle) { return row }
        }
        return nil
    }

    /// The stretches of free seats, from the first seat on.
    func visitFree(in positions: Range<UInt32>, _ body: (Range<UInt32>) -> Void) {
        var position = positions.lowerBound
        while position < positions.upperBound {
            let free = words[Int(position >> 6)].free >> UInt64(position & 63)
            guard free != 0 else {
                position = (position | 63) + 1
                continue
            }
            position += UInt32(free.trailingZeroBitCount)
            guard position < positions.upperBound else { return }
            let end = end(of: .free, from: position, before: positions.upperBound)
            body(position..<end)
            position = end
        }
    }

    /// All seats as stretches of one state.
    func visit(_ positions: Range<UInt32>, _ body: (SeatState, Range<UInt32>) -> Void) {
        var start = positions.lowerBound
        while start < positions.upperBound {
            let state = state(of: start)
            let end = end(of: state, from: start, before: positions.upperBound)
            body(state, start..<end)
            start = end
        }
    }

    /// Where the seats that are `state` from `start` on end.
    private func end(of state: SeatState, from start: UInt32, before limit: UInt32) -> UInt32 {
        var position = start
        while position < limit {
            let others = ~words[Int(position >> 6)][state] >> UInt64(position & 63)
            if others != 0 { return min(limit, position + UInt32(others.trailingZeroBitCount)) }
            position = (position | 63) + 1
        }
        return limit
    }

    /// The words that the positions lie in, with a bit for each of them.
    private func visitWords(_ positions: Range<UInt32>, _ body: (Int, UInt64) -> Void) {
        var start = positions.lowerBound
        while start < positions.upperBound {
            let end = min(positions.upperBound, (start | 63) + 1)
            body(Int(start >> 6), (UInt64.max >> UInt64(64 - (end - start))) << UInt64(start & 63))
            start = end
        }
    }

    // MARK: - Invariants

    /// What of the summaries, and of the bits of the rows, is not as it must be.
    func checkInvariants(_ positions: (Int) -> Range<UInt32>) -> [String] {
        var broken: [String] = []
        for index in 0..<words.count {
            let word = words[index]
            if word.free & word.sold | word.free & word.blocked | word.sold & word.blocked != 0 {
                broken.append("one of the seats from \(index * 64) on is two things at once")
            }
        }
        for row in 0..<freeInRow.count where free(in: positions(row)) != freeInRow[row] {
            broken.append("row \(row): the stretches of free seats are not the summary's")
        }
        for group in 0..<freeInGroup.count where free(inGroup: group) != freeInGroup[group] {
            broken.append(
                "rows from \(group * Self.rowsPerGroup) on: the stretches of free seats are not the summary's"
            )
        }
        return broken
    }
}
