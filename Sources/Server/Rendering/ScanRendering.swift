import Engine

// What a scanner hears: of one scan 200 or a problem, of a list 200 with a result for each scan, in order.

extension ResponseWriter {
    mutating func write(
        _ outcomes: [ScanOutcome],
        isList: Bool,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if !isList, let problem = outcomes[0].problem {
            return write(problem, reply) { $0.members(of: outcomes[0], of: event) }
        }
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        if isList {
            bytes.key("results")
            bytes.beginArray()
            for outcome in outcomes { bytes.scan(outcome, of: event) }
            bytes.endArray()
        } else {
            bytes.key("scan")
            bytes.scan(outcomes[0], of: event)
        }
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// A list of scans in which no code is of an event that there is: none of them is found, as each by itself wouldn't be.
    mutating func writeUnfound(scans count: Int, _ reply: borrowing ReplyContext) -> Range<Int> {
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        bytes.key("results")
        bytes.beginArray()
        for _ in 0..<count {
            bytes.beginObject()
            bytes.field("code", "TICKET_NOT_FOUND")
            // No event has heard of them, so nobody says when that was, and a retry hears the same.
            bytes.field("scanned_at", orNull: nil as Milliseconds?)
            bytes.field("scanned_gate", orNull: .empty)
            bytes.endObject()
        }
        bytes.endArray()
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func scan(_ outcome: ScanOutcome, of event: some EventConstants) {
        beginObject()
        field("code", outcome.problem?.code ?? "CHECKED_IN")
        members(of: outcome, of: event)
        endObject()
    }

    /// What is told of a scan beside its code.
    fileprivate mutating func members(of outcome: ScanOutcome, of event: some EventConstants) {
        if let ticket = outcome.ticket {
            key("ticket")
            beginObject()
            place(ticket, of: event)
            endObject()
        }
        field("scanned_at", epochMilliseconds: outcome.scannedAt)
        field("scanned_gate", orNull: outcome.gate)
        if let checkIn = outcome.checkIn {
            field("checked_in_at", epochMilliseconds: checkIn.scannedAt)
            field("received_at", epochMilliseconds: checkIn.receivedAt)
            field("gate", orNull: checkIn.gate)
        }
        switch outcome.result {
        case .void: field("voided_at", orNull: outcome.since)
        case .eventCancelled, .scheduleCancelled: field("cancelled_at", orNull: outcome.since)
        case .gateClosed:
            field("opens_at", orNull: outcome.since)
            field("closes_at", orNull: outcome.until)
        case .clockAhead: field("received_at", orNull: outcome.since)
        case .clockBehind: field("issued_at", orNull: outcome.since)
        case .checkedIn, .alreadyCheckedIn, .refunded, .unknown, .gateNotFound, .wrongGate: break
        }
    }
}

extension ScanOutcome {
    /// Nil for a scan that lets in.
    fileprivate var problem: Problem? {
        switch result {
        case .checkedIn: nil
        case .alreadyCheckedIn:
            Problem(
                .conflict,
                "ALREADY_CHECKED_IN",
                "Already checked in",
                "The ticket was checked in at \(time: checkIn?.scannedAt ?? 0)\(at: checkIn?.gate ?? .empty)."
            )
        case .refunded:
            Problem(.conflict, "TICKET_REFUNDED", "Ticket refunded already", "The ticket has been refunded.")
        case .void:
            Problem(
                .conflict,
                "TICKET_VOID",
                "Ticket void",
                "The ticket went to another holder at \(time: since ?? 0), with another code; this one is void."
            )
        case .unknown: Problem(.noSuchTicket, of: NoEvent())
        case .eventCancelled: Problem(.eventCancelled(at: since ?? 0), of: NoEvent())
        case .scheduleCancelled:
            Problem(
                .conflict,
                "SCHEDULE_CANCELLED",
                "Schedule cancelled",
                "The ticket is for a date that was cancelled."
            )
        case .gateNotFound:
            Problem(.notFound, "GATE_NOT_FOUND", "Gate not found", "The event has no gate \(gate).")
        case .gateClosed:
            Problem(.conflict, "GATE_CLOSED", "Gate closed", "Gate \(gate) was closed at \(time: scannedAt).")
        case .wrongGate:
            Problem(.conflict, "WRONG_GATE", "Wrong gate", "Gate \(gate) is not for the ticket's capacity.")
        case .clockAhead:
            Problem(
                .conflict,
                "CLOCK_AHEAD",
                "Scanner's clock ahead",
                "The scan says that it was made at \(time: scannedAt), and came at \(time: since ?? 0) already."
            )
        case .clockBehind:
            Problem(
                .conflict,
                "CLOCK_BEHIND",
                "Scanner's clock behind",
                "The scan says that it was made at \(time: scannedAt); there is the ticket since \(time: since ?? 0)."
            )
        }
    }
}

extension Sentence.Interpolation {
    /// The gate of a scan; nothing for a scan at none.
    fileprivate mutating func appendInterpolation(at gate: ShortText) {
        guard !gate.isEmpty else { return }
        appendLiteral(" at gate ")
        appendInterpolation(gate)
    }
}
