import WAL

/// A record that was read back, with the id of its event.
public struct FeedRecord: Equatable, Sendable {
    public let position: LogPosition
    public let eventID: ShortText
    /// What it takes in the log.
    public let byteCount: Int
    public let record: EventRecord
    /// About the bytes that it takes once it is told in words: some facts name thousands of seats in a few bytes.
    public let cost: Int

    init(position: LogPosition, eventID: ShortText, byteCount: Int, record: EventRecord) {
        self.position = position
        self.eventID = eventID
        self.byteCount = byteCount
        self.record = record
        let named = record.facts.reduce(0) { $0 + $1.namedCount }
        cost = byteCount + max(0, record.facts.count - 1) * Self.factBytes + named * Self.nameBytes
    }

    /// What a name takes with its quotes, when it is a long one.
    private static let nameBytes = 64
    /// What every fact of a record says beside what is its own.
    private static let factBytes = 256
}

extension Fact {
    /// Rows and seats that are named when the fact is told.
    fileprivate var namedCount: Int {
        switch self {
        case .seatsBlocked(_, let runs), .seatsUnblocked(_, let runs): runs.seatCount
        case .holdPlaced(let hold): hold.seats.seatCount
        case .seatsAdded(_, let rows): rows.count
        default: 0
        }
    }
}

extension [SeatRun] {
    fileprivate var seatCount: Int { reduce(0) { $0 + Int($1.count) } }
}
