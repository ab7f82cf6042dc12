/// What the seats of a section are: three bits a seat in row-major order, and above them the longest stretch of free seats of
/// each row and of each 64 rows, so that a search passes over what is full.
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
    private var longestInRow = PagedArray<UInt16>()
    private var longestInGroup: ContiguousArray<UInt16> = []

    /// Memory set aside.
    var byteCount: Int { words.byteCount + longestInRow.byteCount + longestInGroup.capacity * 2 }

    /// Adds a row of free seats behind the last one.
    mutating func addRow(_ positions: Range<UInt32>) {
        while words.count * 64 < Int(positions.upperBound) { words.append(Word()) }
        visitWords(positions) { words[$0].move($1, to: .free) }
        longestInRow.append(UInt16(positions.count))
        let group = (longestInRow.count - 1) / Self.rowsPerGroup
        if group == longestInGroup.count { longestInGroup.append(0) }
        longestInGroup[group] = max(longestInGroup[group], UInt16(positions.count))
    }

    func state(of position: UInt32) -> SeatState {
        let word = words[Int(position >> 6)]
        let bit = UInt64(1) << UInt64(position & 63)
        if word.free & bit != 0 { return .free }
        if word.sold & bit != 0 { return .sold }
        return word.blocked & bit != 0 ? .blocked : .held
    }

    /// - Precondition: all of them are what they are moved from; they stand in `row`, which has the seats `rowPositions`.
    mutating func move(
        _ positions: Range<UInt32>,
        from old: SeatState,
        to new: SeatState,
        row: Int,
        _ rowPositions: Range<UInt32>
    ) {
        visitWords(positions) { index, mask in
            precondition(words[index][old] & mask == mask, "a seat is moved from a state that it isn't in")
            words[index].move(mask, to: new)
        }
        summarize(row, rowPositions)
    }

    private mutating func summarize(_ row: Int, _ positions: Range<UInt32>) {
        let before = longestInRow[row]
        let now = longestFree(in: positions)
        guard now != before else { return }
        longestInRow[row] = now
        let group = row / Self.rowsPerGroup
        if now >= longestInGroup[group] {
            longestInGroup[group] = now
        } else if before == longestInGroup[group] {
            longestInGroup[group] = longest(inGroup: group)
        }
    }

    private func longest(inGroup group: Int) -> UInt16 {
        let first = group * Self.rowsPerGroup
        var longest: UInt16 = 0
        for row in first..<min(first + Self.rowsPerGroup, longestInRow.count) {
            longest = max(longest, longestInRow[row])
        }
        return longest
    }

    private func longestFree(in positions: Range<UInt32>) -> UInt16 {
        var longest = 0
        visitFree(in: positions) { longest = max(longest, $0.count) }
        return UInt16(longest)
    }

    // MARK: - Looking

    /// The rows that have at least `count` free seats side by side, until `body` says that it needs no more.
    func visitRows(withFree count: UInt32, _ body: (Int) -> Bool) {
        for group in 0..<longestInGroup.count where UInt32(longestInGroup[group]) >= count {
            let first = group * Self.rowsPerGroup
            for row in first..<min(first + Self.rowsPerGroup, longestInRow.count)
            where UInt32(longestInRow[row]) >= count {
                guard body(row) else { return }
            }
        }
    }

    /// The stretches of free seats, from the first seat on.
    func visitFree(in positions: Range<UInt32>, _ body: (Range<UInt32>) -> Void) {
        visit(positions) { if $0 == .free { body($1) } }
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
        for row in 0..<longestInRow.count where longestFree(in: positions(row)) != longestInRow[row] {
            broken.append("row \(row): the longest stretch of free seats is not \(longestInRow[row])")
        }
        for group in 0..<longestInGroup.count where longest(inGroup: group) != longestInGroup[group] {
            broken.append("rows from \(group * Self.rowsPerGroup) on: the longest stretch is not the summary's")
        }
        return broken
    }
}
