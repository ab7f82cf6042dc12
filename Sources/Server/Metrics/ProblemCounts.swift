/// How often one loop has said which problem, by its code.
///
/// Codes are literals of the program, so they are told apart by their address: a look at one or two places, and nothing is
/// allocated. The same text may stand at two addresses; a scrape brings those together.
// Sound because it is touched on its loop only; a scrape asks there.
final class ProblemCounts: @unchecked Sendable {
    /// Places for codes, a power of two. There are some hundred codes; what finds no place is counted together.
    private static let places = 1_024
    private static let probesMax = 16
    private static let others: StaticString = "OTHER"

    private struct Entry {
        var code: StaticString
        var count: UInt64
    }

    @exclusivity(unchecked) private var entries = ContiguousArray<Entry?>(repeating: nil, count: places)
    private var uncounted: UInt64 = 0

    /// - Parameter code: of more than one character, so that it has an address.
    func count(_ code: StaticString) {
        let address = UInt(bitPattern: code.utf8Start)
        var place = Int(truncatingIfNeeded: (UInt64(address) &* 0x9e37_79b9_7f4a_7c15) >> 54)
        for _ in 0..<Self.probesMax {
            guard let entry = entries[place] else {
                entries[place] = Entry(code: code, count: 1)
                return
            }
            if UInt(bitPattern: entry.code.utf8Start) == address {
                entries[place]!.count &+= 1
                return
            }
            place = (place + 1) & (Self.places - 1)
        }
        uncounted &+= 1
    }

    /// What has been said at all, by code.
    func counts() -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        for case let entry? in entries { counts[entry.code.description, default: 0] += entry.count }
        if uncounted > 0 { counts[Self.others.description] = uncounted }
        return counts
    }
}
