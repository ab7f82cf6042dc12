import WAL

/// What a record's first fact is about, found by stepping over the rest of it: so that memory can be asked for before
/// the record's turn comes.
///
/// A hint and no more: where it is wrong, memory is loaded for nothing.
struct ReplayHint {
    let event: EventKey
    /// The customer of a hold that is placed.
    private(set) var customer: ShortText?
    /// The hold that is changed.
    private(set) var hold: HoldReference?
    private(set) var key: IdempotencyKey?

    /// Nil for what there is little of, and for what can't be read.
    @inline(__always)
    init?(_ payload: UnsafeRawBufferPointer) {
        var decoder = RecordDecoder(payload)
        do throws(RecordDecoder.Malformed) {
            let header = try EventRecordHeader(from: &decoder)
            guard header.factCount == 1 else { return nil }
            event = header.event
            switch try decoder.read(UInt8.self) {
            case 8:
                customer = try decoder.skipHold()
            case 10, 12, 13:
                hold = try decoder.readReference()
                try decoder.skip(8)
            case 11:
                hold = try decoder.readReference()
                try decoder.skipOrder()
            default: return nil
            }
            if header.hasKey { key = try decoder.readKey() }
        } catch {
            return nil
        }
    }
}

extension RecordDecoder {
    /// Steps over a hold, and gives its customer.
    fileprivate mutating func skipHold() throws(Malformed) -> ShortText {
        // Reference and secret.
        try skip(16)
        let id = try readBytes(count: UInt8.self)
        guard id.count <= ShortText.bytesMax else { throw malformed("not a short text") }
        // Status and three times.
        try skip(25)
        for _ in 0..<Int(try read(UInt8.self)) {
            try skip(8)
            if try readBool() { try skip(4) }
            if try readBool() { try skip(40) }
        }
        if try readBool() { try skipOrder() }
        return ShortText(trusted: id)
    }

    /// Steps over an order.
    fileprivate mutating func skipOrder() throws(Malformed) {
        try skip(16)
        try skip(Int(try read(UInt32.self)))
        try skip(16)
        try skip(4 * Int(try read(UInt32.self)))
        try skip(4 * Int(try read(UInt32.self)))
    }

    @inline(__always)
    fileprivate mutating func skip(_ count: Int) throws(Malformed) { _ = try readBytes(count: count) }
}

extension EventInventory {
    /// Begins to load what applying the record will look at.
    @inline(__always)
    func prefetch(_ hint: ReplayHint) {
        if let key = hint.key { idempotency.prefetch(key) }
        if let customer = hint.customer { customers.prefetch(customer) }
        if let hold = hint.hold { holds.prefetch(hold) }
    }
}
