import WAL

// An answer about a hold, as it is kept for retries: what the answer says and the hold no longer knows once it has gone
// on. The rest is read from the hold's slot, which isn't used again while the answer is kept.
//
// What never changes of a hold: its secret, customer and creation, its lines' sections and quantities, a line's price
// once it is locked, and everything of an order but its refunds and what happens to its tickets.

/// Which hold a kept answer is about, and how the hold was.
struct KeptAnswer {
    enum Kind: UInt8 {
        case reserved = 0
        case reservation = 1
        case order = 2
    }

    /// How the lines were: none locked, all, or as a mask says.
    fileprivate enum Locks: UInt8 {
        case none = 0
        case all = 1
        case mask = 2
    }

    /// In the first byte: told from an answer that is kept whole, whose kind is lower.
    fileprivate static let mark: UInt8 = 0x80

    let kind: Kind
    let reference: HoldReference
    let status: HoldStatus
    let expiresAfter: Milliseconds
    /// One bit for each line, the lowest for the first.
    let lockedLines: UInt64
    let isSingleSection: Bool

    /// Whether an answer of these bytes is a reference to its hold.
    static func isReference(_ bytes: UnsafeRawBufferPointer) -> Bool {
        !bytes.isEmpty && (bytes[0] & mark != 0 || Kind(firstForm: bytes[0]) != nil)
    }

    /// Whether only readers that know numbered seats can read the answer of these bytes, which is kept whole.
    static func isOfSeats(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let kind = bytes.first else { return false }
        if kind == 8 { return Rejection.isOfSeats(UnsafeRawBufferPointer(rebasing: bytes[1...])) }
        return kind == 9 || (12...15).contains(kind)
    }
}

extension KeptAnswer {
    /// The hold that an answer of these bytes refers to; nil for one that is kept whole.
    static func reference(_ bytes: UnsafeRawBufferPointer) -> HoldReference? {
        var decoder = RecordDecoder(bytes)
        return (try? KeptAnswer(from: &decoder))?.reference
    }
}

// MARK: - Writing

extension Answer {
    /// Whether the answer, given at `now`, is kept as a reference to its hold.
    func refersToHold(at now: Milliseconds) -> Bool {
        switch self {
        case .reservedOne(let hold, _, let at, _):
            at == now && hold.createdAt == now && hold.status == .held && hold.rest.isEmpty && hold.isReferable(at: now)
        case .reserved(let hold, let counts, let at, _):
            at == now && hold.createdAt == now && hold.status == .held && counts.count == hold.lineCount
                && !hold.rest.isEmpty && hold.isReferable(at: now)
        case .reservation(let hold, let at): at == now && hold.status != .confirmed && hold.isReferable(at: now)
        case .order(let hold, let at): at == now && hold.status == .confirmed && hold.isReferable(at: now)
        case .event, .section, .tier, .schedule, .venue, .refunded, .ticket, .scanned, .gate, .rejected: false
        }
    }

    /// - Precondition: `refersToHold`.
    func encodeReference(into buffer: inout RecordBuffer) {
        switch self {
        case .reservedOne(let hold, let counts, _, let isSingle):
            buffer.write(kept: hold, .reserved, isSingle)
            buffer.write(kept: counts)
        case .reserved(let hold, let counts, _, let isSingle):
            buffer.write(kept: hold, .reserved, isSingle)
            for counts in counts { buffer.write(kept: counts) }
        case .reservation(let hold, _): buffer.write(kept: hold, .reservation, false)
        case .order(let hold, _): buffer.write(kept: hold, .order, false)
        case .event, .section, .tier, .schedule, .venue, .refunded, .ticket, .scanned, .gate, .rejected:
            preconditionFailure("an answer without a hold")
        }
    }
}

extension HoldState {
    /// Whether everything that `KeptAnswer` leaves out follows from the hold's slot.
    fileprivate func isReferable(at now: Milliseconds) -> Bool {
        let endsAt = status == .held ? 0 : now
        guard endedAt == endsAt, expiresAt >= createdAt, (order == nil) == (status != .confirmed) else { return false }
        if let order = order?.state {
            guard order.confirmedAt == now, order.refunded.isEmpty, order.restocked.isEmpty, order.tickets.isEmpty
            else { return false }
        }
        guard first.isPricedWhole else { return false }
        for line in rest where !line.isPricedWhole { return false }
        return true
    }

    fileprivate var lockedLines: UInt64 {
        var bits: UInt64 = first.lock == nil ? 0 : 1
        for (index, line) in rest.enumerated() where line.lock != nil { bits |= 2 << UInt64(index) }
        return bits
    }
}

extension HoldLine {
    /// A line has both a tier and a price, or neither.
    fileprivate var isPricedWhole: Bool { (tier == nil) == (lock == nil) }
}

extension RecordBuffer {
    fileprivate mutating func write(kept hold: HoldState, _ kind: KeptAnswer.Kind, _ isSingleSection: Bool) {
        let locked = hold.lockedLines
        let all = UInt64(1) << UInt64(hold.lineCount) - 1
        let locks: KeptAnswer.Locks = locked == 0 ? .none : locked == all ? .all : .mask
        write(
            KeptAnswer.mark | kind.rawValue << 5 | (hold.status.rawValue - 1) << 3 | (isSingleSection ? 4 : 0)
                | locks.rawValue
        )
        if locks == .mask { write(variable: locked) }
        write(variable: UInt64(hold.reference.slot))
        write(variable: UInt64(hold.reference.generation))
        // Whole seconds, as nearly always, are told by an even number.
        let span = UInt64(hold.expiresAt - hold.createdAt)
        write(variable: span % 1_000 == 0 ? span / 1_000 * 2 : span * 2 + 1)
    }

    fileprivate mutating func write(kept counts: SectionCounts) {
        write(variable: UInt64(counts.total))
        write(variable: UInt64(counts.buffer))
        write(variable: UInt64(counts.reserved))
        write(variable: UInt64(counts.sold))
    }
}

// MARK: - Reading

extension KeptAnswer {
    /// Nil for an answer that is kept whole.
    init?(from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        var ahead = decoder
        let bits = try ahead.read(UInt8.self)
        if let kind = Kind(firstForm: bits) {
            self = try Self(firstForm: kind, from: &ahead)
            decoder = ahead
            return
        }
        guard bits & Self.mark != 0 else { return nil }
        guard let kind = Kind(rawValue: bits >> 5 & 3), let status = HoldStatus(rawValue: (bits >> 3 & 3) + 1),
            let locks = Locks(rawValue: bits & 3)
        else { throw ahead.malformed("\(bits) begins no answer about a hold") }
        self.kind = kind
        self.status = status
        isSingleSection = bits & 4 != 0
        switch locks {
        case .none: lockedLines = 0
        case .all: lockedLines = .max
        case .mask: lockedLines = UInt64(try ahead.readVariable())
        }
        reference = HoldReference(slot: try ahead.readVariable(), generation: try ahead.readVariable())
        let span = Milliseconds(try ahead.readVariable())
        expiresAfter = span % 2 == 0 ? span / 2 * 1_000 : span / 2
        decoder = ahead
    }
}

// The form in which the first builds with references kept them. It is read, and kept as it is, but never written.
extension KeptAnswer.Kind {
    fileprivate init?(firstForm byte: UInt8) {
        switch byte {
        case 16: self = .reserved
        case 17: self = .reservation
        case 18: self = .order
        default: return nil
        }
    }
}

extension KeptAnswer {
    private init(firstForm kind: Kind, from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        let bits = try decoder.read(UInt8.self)
        guard let status = HoldStatus(rawValue: bits & 0x7f) else { throw decoder.malformed("\(bits) is no status") }
        self.kind = kind
        self.status = status
        isSingleSection = bits & 0x80 != 0
        reference = HoldReference(slot: try decoder.readVariable(), generation: try decoder.readVariable())
        expiresAfter = Milliseconds(try decoder.readVariable() as UInt32)
        lockedLines = UInt64(try decoder.readVariable() as UInt32)
    }
}

extension EventInventory {
    /// The answer of these bytes, given at `at`.
    func answer(_ bytes: UnsafeRawBufferPointer, at: Milliseconds) throws(RecordDecoder.Malformed) -> Answer {
        var decoder = RecordDecoder(bytes)
        guard let kept = try KeptAnswer(from: &decoder) else { return try Answer(from: &decoder) }
        guard holds.find(kept.reference) != nil else { throw decoder.malformed("an answer about a hold that is gone") }
        let hold = holdState(kept, at: at)
        switch kept.kind {
        case .reservation: return .reservation(hold, at: at)
        case .order: return .order(hold, at: at)
        case .reserved where hold.rest.isEmpty:
            let counts = try decoder.readKeptCounts()
            return .reservedOne(hold, counts: counts, at: at, isSingleSection: kept.isSingleSection)
        case .reserved:
            var counts: [SectionCounts] = []
            for _ in 0..<hold.lineCount { counts.append(try decoder.readKeptCounts()) }
            return .reserved(hold, counts: counts, at: at, isSingleSection: kept.isSingleSection)
        }
    }

    /// The hold as it was when the answer was given.
    private func holdState(_ kept: KeptAnswer, at: Milliseconds) -> HoldState {
        var state = holdState(kept.reference.slot)
        state.status = kept.status
        state.expiresAt = state.createdAt + kept.expiresAfter
        state.endedAt = kept.status == .held ? 0 : at
        for index in 0..<state.lineCount where kept.lockedLines >> UInt64(index) & 1 == 0 {
            state[line: index].tier = nil
            state[line: index].lock = nil
        }
        if kept.status != .confirmed {
            state.order = nil
        } else if var order = state.order?.state, !order.refunded.isEmpty || !order.tickets.isEmpty {
            order.refunded = []
            order.restocked = []
            order.tickets = []
            state.order = OrderBox(order)
        }
        return state
    }
}

extension RecordDecoder {
    mutating func readKeptCounts() throws(Malformed) -> SectionCounts {
        SectionCounts(
            total: try readVariable(),
            buffer: try readVariable(),
            reserved: try readVariable(),
            sold: try readVariable()
        )
    }
}
