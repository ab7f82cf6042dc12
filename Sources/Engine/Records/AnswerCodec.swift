import WAL

// An answer as it is kept for retries: one byte for its kind, then what it is made of.

extension Answer {
    /// Whether bytes begin an answer that is kept whole, of a kind that `init(from:)` reads.
    static func isKnown(_ bytes: UnsafeRawBufferPointer) -> Bool { !bytes.isEmpty && (1...8).contains(bytes[0]) }
}

extension Answer {
    func encode(into buffer: inout RecordBuffer) {
        switch self {
        case .event(let view):
            buffer.write(UInt8(1))
            buffer.write(view)
        case .section(let view):
            buffer.write(UInt8(2))
            buffer.write(view.number)
            buffer.write(view.details)
            buffer.write(view.counts)
        case .tier(let view):
            buffer.write(UInt8(3))
            buffer.write(view.number)
            buffer.write(view.version)
            buffer.write(view.details)
        case .reserved(let hold, let counts, let at, let isSingleSection):
            buffer.write(UInt8(4))
            buffer.write(hold)
            buffer.write(at)
            buffer.write(isSingleSection)
            for counts in counts { buffer.write(counts) }
        case .reservedOne(let hold, let counts, let at, let isSingleSection):
            buffer.write(UInt8(5))
            buffer.write(hold)
            buffer.write(at)
            buffer.write(isSingleSection)
            buffer.write(counts)
        case .reservation(let hold, let at):
            buffer.write(UInt8(6))
            buffer.write(hold)
            buffer.write(at)
        case .order(let hold, let at):
            buffer.write(UInt8(7))
            buffer.write(hold)
            buffer.write(at)
        case .rejected(let rejection):
            buffer.write(UInt8(8))
            rejection.encode(into: &buffer)
        }
    }

    init(from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        let kind = try decoder.read(UInt8.self)
        switch kind {
        case 1: self = .event(try decoder.readEventView())
        case 2:
            let number = try decoder.read(SectionNumber.self)
            let details = try decoder.readSectionDetails()
            self = .section(SectionView(number: number, details: details, counts: try decoder.readCounts()))
        case 3:
            let number = try decoder.read(TierNumber.self)
            let version = try decoder.read(UInt32.self)
            self = .tier(TierView(number: number, version: version, details: try decoder.readTierDetails()))
        case 4, 5: self = try Self.reserved(from: &decoder, isOne: kind == 5)
        case 6: self = .reservation(try decoder.readHold(), at: try decoder.read())
        case 7: self = .order(try decoder.readHold(), at: try decoder.read())
        case 8: self = .rejected(try Rejection(from: &decoder))
        default: throw decoder.malformed("\(kind) is no kind of answer")
        }
    }

    private static func reserved(
        from decoder: inout RecordDecoder,
        isOne: Bool
    ) throws(RecordDecoder.Malformed) -> Answer {
        let hold = try decoder.readHold()
        let at = try decoder.read(Milliseconds.self)
        let isSingle = try decoder.readBool()
        if isOne { return .reservedOne(hold, counts: try decoder.readCounts(), at: at, isSingleSection: isSingle) }
        var counts: [SectionCounts] = []
        for _ in 0..<hold.lineCount { counts.append(try decoder.readCounts()) }
        return .reserved(hold, counts: counts, at: at, isSingleSection: isSingle)
    }
}
