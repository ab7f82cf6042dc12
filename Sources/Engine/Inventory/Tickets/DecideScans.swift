// Scans at the gates. The first scan to arrive wins; the same scan sent again is the same success, whatever its list.

extension InventoryLimits {
    /// How far a scanner's clock may be ahead of this engine's: else a scan could choose a time to come at which its gate
    /// is open.
    public static let scanAheadMaxMilliseconds: Milliseconds = 60_000
    /// How long before its ticket's code came to be a scan may say it was made. Lists of scanners that were without a
    /// network are old, but none was made of a ticket that there was not; a clock that was never set says so.
    public static let scanBehindMaxMilliseconds: Milliseconds = 3_600_000
}

extension EventInventory {
    /// Decides scans in order, each on what the ones before it have done.
    ///
    /// A scan that was made offline may come with an earlier time than the one that let somebody in. It is refused all the
    /// same: that somebody is inside can't be undone. Both times are told.
    func decideScans(
        _ scans: [TicketScan],
        isList: Bool,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        guard (isList ? 1...InventoryLimits.scansPerListMax : 1...1).contains(scans.count) else {
            throw .scansOutOfRange(asked: UInt32(clamping: scans.count))
        }
        for scan in scans where scan.scannedAt.map({ !Self.isClockTime($0) }) ?? false { throw .scanTimeOutOfRange }
        var made: [TicketID: CheckIn] = [:]
        var facts: [Fact] = []
        let outcomes = scans.map { scan in
            let outcome = outcome(of: scan, made, at: context.now)
            guard outcome.result == .checkedIn, let id = scan.ticket, isNew(id, made) else { return outcome }
            let checkIn = CheckIn(
                scannedAt: outcome.scannedAt,
                receivedAt: context.now,
                gate: scan.gate.isEmpty ? nil : gate(scan.gate)
            )
            made[id] = checkIn
            facts.append(.ticketCheckedIn(id.reference, ticket: id.index, checkIn))
            return outcome
        }
        let answer = Answer.scanned(outcomes, isList: isList)
        return Decision(facts.first, rest: Array(facts.dropFirst()), answer: answer)
    }

    private func isNew(_ id: TicketID, _ made: [TicketID: CheckIn]) -> Bool {
        made[id] == nil && ticket(id)?.history?.checkIn == nil
    }

    /// - Parameter made: check-ins of the same list.
    private func outcome(of scan: TicketScan, _ made: [TicketID: CheckIn], at now: Milliseconds) -> ScanOutcome {
        let gate = scan.gate.isEmpty ? nil : gate(scan.gate)
        var outcome = ScanOutcome(.unknown, scannedAt: scan.scannedAt ?? now, gate: scan.gate)
        if gate == nil, !scan.gate.isEmpty {
            outcome.result = .gateNotFound
            return outcome
        }
        guard let ticket = scan.ticket.flatMap({ self.ticket($0) }) else { return outcome }
        guard ticket.code == scan.code else {
            return outcome.with(voidedAt: voidedAt(scan.code, ticket), place(of: ticket))
        }
        outcome.ticket = place(of: ticket)
        if ticket.order.isRefunded(ticket.index) {
            outcome.result = .refunded
        } else if let first = made[ticket.id] ?? ticket.history?.checkIn {
            outcome.checkIn = view(first)
            // A scan without a time of its own is never the same as another.
            let isSame = scan.scannedAt == first.scannedAt && gate == first.gate
            outcome.result = isSame ? .checkedIn : .alreadyCheckedIn
        } else if !isCalledOff(&outcome), !isOutOfTime(&outcome, ticket, at: now) {
            hold(&outcome, against: gate, at: now)
        }
        return outcome
    }

    /// Whether the event, or the ticket's date, was cancelled when the scan was made. Like a gate's window, that counts at
    /// the time of the scan: who was let in before is inside, and the list that says so may come later. Where nobody knows any
    /// more since when a date is cancelled, it always was.
    private func isCalledOff(_ outcome: inout ScanOutcome) -> Bool {
        if let cancelledAt, outcome.scannedAt >= cancelledAt {
            outcome.result = .eventCancelled
            outcome.since = cancelledAt
            return true
        }
        guard let date = sections[Int(outcome.ticket!.section)].details.schedule,
            case let schedule = schedules[Int(date)], schedule.details.isCancelled,
            outcome.scannedAt >= schedule.cancelledAt ?? .min
        else { return false }
        outcome.result = .scheduleCancelled
        outcome.since = schedule.cancelledAt
        return true
    }

    /// Whether the scan's own time can't be right. What lets somebody in is shown for ever, and decides on the gate's window.
    private func isOutOfTime(_ outcome: inout ScanOutcome, _ ticket: FoundTicket, at now: Milliseconds) -> Bool {
        if outcome.scannedAt > now + InventoryLimits.scanAheadMaxMilliseconds {
            outcome.result = .clockAhead
            outcome.since = now
        } else if outcome.scannedAt < ticket.codeSince - InventoryLimits.scanBehindMaxMilliseconds {
            outcome.result = .clockBehind
            outcome.since = ticket.codeSince
        } else {
            return false
        }
        return true
    }

    /// Lets in, unless the gate is closed or for other sections. A window counts at the time of the scan, not of its arrival.
    private func hold(_ outcome: inout ScanOutcome, against gate: GateNumber?, at now: Milliseconds) {
        let scannedAt = outcome.scannedAt
        if let gate = gate.map({ gates[Int($0)] }) {
            if gate.opensAt.map({ scannedAt < $0 }) == true || gate.closesAt.map({ scannedAt >= $0 }) == true {
                outcome.result = .gateClosed
                outcome.since = gate.opensAt
                outcome.until = gate.closesAt
                return
            }
            if !gate.sections.isEmpty, !gate.sections.contains(outcome.ticket!.section) {
                outcome.result = .wrongGate
                return
            }
        }
        outcome.result = .checkedIn
        outcome.checkIn = CheckInView(scannedAt: scannedAt, receivedAt: now, gate: outcome.gate)
    }

    /// When the code stopped to be the ticket's; nil when it never was.
    private func voidedAt(_ code: TicketCode, _ ticket: FoundTicket) -> Milliseconds? {
        guard let transfers = ticket.history?.transfers else { return nil }
        for (generation, transfer) in transfers.enumerated() {
            let old = TicketCode(secret: ticket.order.ticketSecret, index: ticket.index, generation: generation)
            if old == code { return transfer.at }
        }
        return nil
    }

    func gate(_ id: ShortText) -> GateNumber? { gates.firstIndex { $0.id == id }.map { GateNumber($0) } }
}

extension ScanOutcome {
    /// Another code than the ticket's: an old one, or none, of which nothing is told.
    fileprivate func with(voidedAt: Milliseconds?, _ place: TicketPlace) -> ScanOutcome {
        guard let voidedAt else { return self }
        var outcome = self
        outcome.result = .void
        outcome.ticket = place
        outcome.since = voidedAt
        return outcome
    }
}
