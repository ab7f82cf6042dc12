import WAL

// What the bytes of a kept answer must be, asked for every one that a start finds: a retry that names its key reads them
// without a way to fail.

extension EventInventory {
    /// Why these bytes can't be an answer that a command of this event got at `at`; nil when they can be.
    ///
    /// Asked when the facts that came with the answer have been applied.
    func contradiction(remembering answer: UnsafeRawBufferPointer, at: Milliseconds) -> StaticString? {
        guard Self.isClockTime(at) else { return "an answer at a time that no clock shows" }
        var decoder = RecordDecoder(answer)
        do {
            if let kept = try KeptAnswer(from: &decoder) { return try contradiction(of: kept, &decoder) }
            let whole = try Answer(from: &decoder)
            return decoder.isAtEnd ? contradiction(of: whole) : Self.unreadable
        } catch {
            return Self.unreadable
        }
    }

    /// The same in a snapshot, where answers come before the ended slots are put in order.
    func contradiction(
        restoring answer: UnsafeRawBufferPointer,
        for key: IdempotencyKey,
        at: Milliseconds
    ) -> StaticString? {
        if let reference = KeptAnswer.reference(answer), let hold = holds.find(reference), !hold.isAnswered,
            holds.isEndedSlot(reference.slot)
        {
            return "an answer restored behind the slot that it needs"
        }
        return contradiction(remembering: answer, at: at)
    }

    private static let unreadable: StaticString = "an answer that can't be read"
    private static let miscounted: StaticString = "an answer with more places taken than there are"
    private static let noSection: StaticString = "an answer about a section that there is not"

    private func contradiction(
        of kept: KeptAnswer,
        _ decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> StaticString? {
        guard let hold = holds.find(kept.reference) else {
            // Its slot has gone to another hold: it only waits to be forgotten. A hold to come it can't be about.
            return holds.hasHad(kept.reference) ? nil : "an answer about a hold that has not been"
        }
        guard (kept.kind == .order) == (kept.status == .confirmed),
            kept.status != .confirmed || hold.status == .confirmed
        else { return "an answer about an order that is none" }
        if kept.kind == .reserved {
            for _ in 0..<hold.lineCount where try !decoder.readKeptCounts().isPossible { return Self.miscounted }
        }
        return decoder.isAtEnd ? nil : Self.unreadable
    }

    private func contradiction(of answer: Answer) -> StaticString? {
        switch answer {
        case .event, .schedule, .venue: return nil
        case .section(let view):
            guard hasSection(view.number) else { return Self.noSection }
            if let contradiction = contradictionOfSchedule(view.details) { return contradiction }
            return view.counts.isPossible ? nil : Self.miscounted
        case .tier(let view): return view.details.section.map { hasSection($0) } ?? true ? nil : Self.noSection
        case .reserved(let hold, let counts, _, _):
            return counts.allSatisfy(\.isPossible) ? contradictionOfLines(hold) : Self.miscounted
        case .reservedOne(let hold, let counts, _, _):
            return counts.isPossible ? contradictionOfLines(hold) : Self.miscounted
        case .reservation(let hold, _): return contradictionOfLines(hold)
        case .order(let hold, _):
            return hold.status == .confirmed ? contradictionOfLines(hold) : "an answer about an order that is none"
        case .refunded, .ticket, .scanned, .gate: return contradictionAfterSale(answer)
        case .rejected(let rejection):
            return rejection.section.map { hasSection($0) } ?? true && hasSeat(of: rejection) ? nil : Self.noSection
        }
    }
}

extension SectionCounts {
    fileprivate var isPossible: Bool {
        UInt64(buffer) + UInt64(reserved) + UInt64(sold) <= UInt64(total)
    }
}

extension Rejection {
    /// The section that it names.
    fileprivate var section: SectionNumber? {
        switch self {
        case .sectionInactive(let section), .soldOut(let section, _, _, _), .belowMinimumPurchase(let section, _, _),
            .aboveMaximumPurchase(let section, _, _), .sectionTwice(let section), .tierNotForSection(_, let section),
            .noPrice(let section), .scheduleCancelled(let section), .scheduleEnded(let section, _),
            .sectionHasSales(let section, _, _):
            section
        case .earlier(let refusal): refusal.today.section
        default: nil
        }
    }
}
