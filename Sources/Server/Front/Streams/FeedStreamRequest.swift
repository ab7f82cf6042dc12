import Engine

/// A request for the feed as a stream.
struct FeedStreamRequest: Sendable {
    let tenant: ShortText
    let place: FeedPlace
    let reply: ReplyContext
    let terms: StreamTerms
}

/// How far a client of the feed has got.
///
/// A command can have several entries, which have one position. As the id of an event the last of them has the position
/// alone, those before it have their number behind it: `4711-1`, `4711-2`, `4711`. So a client that comes back gets
/// what comes next, wherever it was interrupted.
struct FeedPlace: Hashable, Sendable {
    /// The last position of which the client has everything; nil to begin with the oldest that there is.
    var after: UInt64?
    /// Entries behind it that the client has already.
    var entries: UInt32 = 0

    init(after: UInt64?) { self.after = after }

    /// - Parameter id: of the last event that the client has, as it was sent; nil for any other text.
    init?(id: UnsafeRawBufferPointer) {
        let parts = id.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let position = Self.number(parts[0]) else { return nil }
        after = position
        guard parts.count > 1 else { return }
        guard position > 0, let entries = Self.number(parts[1]).flatMap(UInt32.init(exactly:)), entries > 0 else {
            return nil
        }
        after = position - 1
        self.entries = entries
    }

    /// Decimal digits without a zero in front, as positions are written.
    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        guard (1...19).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0"),
            digits.allSatisfy(\.isDigit)
        else { return nil }
        return digits.reduce(0) { $0 * 10 + UInt64($1 & 0x0F) }
    }
}
