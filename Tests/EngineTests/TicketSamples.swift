@testable import Engine

/// Values of everything that came with tickets: see `CodecSamples`.
enum TicketSamples {
    static let time: Milliseconds = 1_800_000_000_000
    static let reference = CodecSamples.reference
    static let code = TicketCode(high: .max, low: 1)
    static let checkIn = CheckIn(scannedAt: time, receivedAt: time + 1, gate: 99)
    static let offer = TransferOffer(code: code, recipient: "ben", offeredAt: time, expiresAt: time + 9)
    static let openOffer = TransferOffer(code: code, recipient: .empty, offeredAt: 0, expiresAt: nil)
    static let transfers = (0..<10).map { TicketTransfer(holder: CodecSamples.longText, at: Milliseconds($0)) }
    static let gate = GateDetails(id: "north", name: "Nord – 北", sections: [0, .max], opensAt: 1, closesAt: .max)
    static let place = TicketPlace(
        id: TicketID(event: EventKey(rawValue: .max), reference: reference, index: 15_999, check: 7),
        section: 3,
        seat: .max
    )
    static let shown = CheckInView(scannedAt: 1, receivedAt: 2, gate: CodecSamples.longText)

    static var facts: [Fact] {
        [
            .ticketCheckedIn(reference, ticket: 3, checkIn),
            .ticketCheckedIn(reference, ticket: 3, CheckIn(scannedAt: .min, receivedAt: .max, gate: nil)),
            .transferOffered(reference, ticket: .max, offer),
            .transferOffered(reference, ticket: 0, openOffer),
            .transferWithdrawn(reference, ticket: 1),
            .transferAccepted(reference, ticket: 1, transfers[9]),
            .gateSet(gate),
            .gateSet(GateDetails(id: "south")),
            .eventCancelled(at: time),
            .ticketsRestored(reference, []),
            .ticketsRestored(
                reference,
                [
                    TicketHistory(index: 0, checkIn: checkIn),
                    TicketHistory(index: 2, transfers: transfers, offer: offer),
                    TicketHistory(index: .max, checkIn: checkIn, transfers: transfers, offer: openOffer),
                ]
            ),
            .cancellationRestored(at: time),
        ]
    }

    static var answers: [Answer] {
        let marks = TicketStatus.allCases.enumerated().map { TicketMark(index: UInt32($0), status: $1) }
        let outcomes = ScanResult.allCases.map { ScanOutcome($0, scannedAt: time, gate: .empty) }
        let full = ScanOutcome(
            .alreadyCheckedIn,
            ticket: place,
            scannedAt: .max,
            gate: CodecSamples.longText,
            checkIn: shown,
            since: 1,
            until: .min
        )
        let view = TicketView(place: place, orderSecret: nil, holder: .empty, status: .issued, code: code)
        let fullView = TicketView(
            place: place,
            orderSecret: .max,
            holder: CodecSamples.longText,
            status: .refunded,
            code: code,
            checkIn: shown,
            offer: offer,
            showsOfferCode: true
        )
        return [
            .refunded(CodecSamples.fullHold, tickets: [0, 2], marks: marks, at: time),
            .refunded(CodecSamples.fullHold.with(seats: CodecSamples.runs), tickets: [], marks: [], at: .max),
            .ticket(view), .ticket(fullView), .scanned([full], isList: false), .scanned(outcomes, isList: true),
            .gate(gate), .gate(GateDetails(id: "south")),
        ]
    }

    static var rejections: [Rejection] {
        let most = UInt32.max
        return [
            .noSuchTicket, .ticketCheckedIn(at: .max), .eventCancelled(at: time), .transferNotFound,
            .transferExpired(expiredAt: time), .transferPending, .tooManyTransfers(limit: most),
            .transferDeadlinePassed(.min), .tooManyGates(limit: 1), .tooManyGateSections(asked: most),
            .gateWindowInvalid, .scansOutOfRange(asked: 501), .scanTimeOutOfRange, .cancelledWithSales(sold: most),
            .cancellationUnfinished(reserved: most),
        ]
    }
}
