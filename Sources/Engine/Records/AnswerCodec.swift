import WAL

// An answer as it is kept for retries: one byte for its kind, then what it is made of.

extension Answer {
    /// Whether bytes begin an answer that is kept whole, of a kind that `init(from:)` reads.
    static func isKnown(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let kind = bytes.first else { return false }
        return (1...9).contains(kind) || (4 + seated...7 + seated).contains(kind) || (26...30).contains(kind)
            || afterSaleKinds.contains(kind)
    }

    /// Added to the kind of an answer about a hold that has seats; they follow the hold.
    private static let seated: UInt8 = 8
    /// Instead of `section`'s kind for one that leaves no single seat.
    private static let sectionLeavingNoSingleSeat: UInt8 = 9
    /// Instead of `event`'s kind for one at a venue, whose id follows.
    private static let eventWithVenue: UInt8 = 26
    /// Instead of `section`'s kind, and of `tier`'s, for one that has more; that follows.
    private static let fullSection: UInt8 = 27
    private static let fullTier: UInt8 = 28
    private static let scheduleKind: UInt8 = 29
    private static let venueKind: UInt8 = 30

    func encode(into buffer: inout RecordBuffer) {
        switch self {
        case .event(let view):
            let hasVenue = !view.details.venue.isEmpty
            buffer.write(hasVenue ? Self.eventWithVenue : 1)
            buffer.write(view)
            if hasVenue { buffer.write(view.details.venue) }
        case .section(let view) where view.details.isFull:
            buffer.write(Self.fullSection)
            buffer.write(view.number)
            buffer.write(view.counts)
            buffer.write(full: view.details)
        case .section(let view):
            buffer.write(view.details.leavesNoSingleSeat ? Self.sectionLeavingNoSingleSeat : 2)
            buffer.write(view.number)
            buffer.write(view.details)
            buffer.write(view.counts)
        case .tier(let view):
            buffer.write(view.details.isFull ? Self.fullTier : 3)
            buffer.write(view.number)
            buffer.write(view.version)
            if view.details.isFull { buffer.write(full: view.details) } else { buffer.write(view.details) }
        case .schedule(let view):
            buffer.write(Self.scheduleKind)
            buffer.write(view)
        case .venue(let view):
            buffer.write(Self.venueKind)
            buffer.write(view)
        case .reserved(let hold, let counts, let at, let isSingleSection):
            Self.encode(hold, kind: 4, into: &buffer)
            buffer.write(at)
            buffer.write(isSingleSection)
            for counts in counts { buffer.write(counts) }
        case .reservedOne(let hold, let counts, let at, let isSingleSection):
            Self.encode(hold, kind: 5, into: &buffer)
            buffer.write(at)
            buffer.write(isSingleSection)
            buffer.write(counts)
        case .reservation(let hold, let at):
            Self.encode(hold, kind: 6, into: &buffer)
            buffer.write(at)
        case .order(let hold, let at):
            Self.encode(hold, kind: 7, into: &buffer)
            buffer.write(at)
        case .refunded, .ticket, .scanned, .gate: encodeAfterSale(into: &buffer)
        case .rejected(let rejection):
            buffer.write(UInt8(8))
            rejection.encode(into: &buffer)
        }
    }

    static func encode(_ hold: HoldState, kind: UInt8, into buffer: inout RecordBuffer) {
        buffer.write(hold.hasSeats ? kind + seated : kind)
        buffer.write(hold)
        if hold.hasSeats { buffer.write(hold.seats) }
    }

    /// Whether only readers that know numbered seats can read the answer when it is kept whole.
    var isOfSeats: Bool {
        switch self {
        case .event, .tier, .schedule, .venue, .refunded, .ticket, .scanned, .gate: false
        case .section(let view): view.details.leavesNoSingleSeat && !view.details.isFull
        case .reserved(let hold, _, _, _), .reservedOne(let hold, _, _, _), .reservation(let hold, _),
            .order(let hold, _):
            hold.hasSeats
        case .rejected(let rejection): rejection.isOfSeats
        }
    }

    init(from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        let kind = try decoder.read(UInt8.self)
        let isSeated = (4 + Self.seated...7 + Self.seated).contains(kind)
        switch isSeated ? kind - Self.seated : kind {
        case 1: self = .event(try decoder.readEventView())
        case 2, Self.sectionLeavingNoSingleSeat:
            let number = try decoder.read(SectionNumber.self)
            let details = try decoder.readSectionDetails(leavesNoSingleSeat: kind != 2)
            self = .section(SectionView(number: number, details: details, counts: try decoder.readCounts()))
        case 3:
            let number = try decoder.read(TierNumber.self)
            let version = try decoder.read(UInt32.self)
            self = .tier(TierView(number: number, version: version, details: try decoder.readTierDetails()))
        case 4: self = try Self.reserved(from: &decoder, isOne: false, isSeated)
        case 5: self = try Self.reserved(from: &decoder, isOne: true, isSeated)
        case 6: self = .reservation(try Self.hold(from: &decoder, isSeated), at: try decoder.read())
        case 7: self = .order(try Self.hold(from: &decoder, isSeated), at: try decoder.read())
        case 8: self = .rejected(try Rejection(from: &decoder))
        case Self.fullSection:
            let number = try decoder.read(SectionNumber.self)
            let counts = try decoder.readCounts()
            self = .section(SectionView(number: number, details: try decoder.readFullSection(), counts: counts))
        case Self.fullTier:
            let number = try decoder.read(TierNumber.self)
            let version = try decoder.read(UInt32.self)
            self = .tier(TierView(number: number, version: version, details: try decoder.readFullTier()))
        case Self.scheduleKind: self = .schedule(try decoder.readScheduleView())
        case Self.venueKind: self = .venue(try decoder.readVenueView())
        case Self.eventWithVenue:
            var view = try decoder.readEventView()
            view.details.venue = try decoder.readVenueID()
            self = .event(view)
        case Self.afterSaleKinds: self = try Self.afterSale(kind, from: &decoder)
        default: throw decoder.malformed("\(kind) is no kind of answer")
        }
    }

    private static func hold(
        from decoder: inout RecordDecoder,
        _ isSeated: Bool
    ) throws(RecordDecoder.Malformed) -> HoldState {
        isSeated ? try decoder.readSeatedHold() : try decoder.readHold()
    }

    private static func reserved(
        from decoder: inout RecordDecoder,
        isOne: Bool,
        _ isSeated: Bool
    ) throws(RecordDecoder.Malformed) -> Answer {
        let hold = try hold(from: &decoder, isSeated)
        let at = try decoder.read(Milliseconds.self)
        let isSingle = try decoder.readBool()
        if isOne { return .reservedOne(hold, counts: try decoder.readCounts(), at: at, isSingleSection: isSingle) }
        var counts: [SectionCounts] = []
        for _ in 0..<hold.lineCount { counts.append(try decoder.readCounts()) }
        return .reserved(hold, counts: counts, at: at, isSingleSection: isSingle)
    }
}
