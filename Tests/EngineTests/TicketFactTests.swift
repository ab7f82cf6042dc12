import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// Facts and answers about tickets that can't have happened are refused with a reason, before `apply` would stop the program
/// or a retry would meet them.
@Suite struct TicketFactTests {
    private static let reference = HoldReference(slot: 0, generation: 0)
    private static let time = MachineFixture.start

    /// An order of two tickets in slot 0: ticket 0 is offered, ticket 1 refunded; and one gate.
    private func event() throws -> EventInventory {
        var event = try MachineFixture(.partlyRefunded).subject.inventory
        event.apply(.gateSet(GateDetails(id: "north")))
        event.apply(.transferOffered(Self.reference, ticket: 0, TicketSamples.openOffer))
        return event
    }

    private func checkIn(gate: GateNumber? = nil, at: Milliseconds = Self.time) -> CheckIn {
        CheckIn(scannedAt: at, receivedAt: Self.time, gate: gate)
    }

    @Test func whatCannotHaveHappenedIsRefused() throws {
        let event = try event()
        let reference = Self.reference
        let stranger = HoldReference(slot: 7, generation: 0)
        let none = "a fact about a ticket that there is not"
        let hands = "a ticket changed hands too often"
        let clock = "a time that no clock shows"
        let transfer = TicketTransfer(holder: "ben", at: Self.time)
        let eleven = Array(repeating: transfer, count: 11)
        let cases: [(Fact, String?)] = [
            (.ticketCheckedIn(reference, ticket: 0, checkIn(gate: 0)), nil),
            (.ticketCheckedIn(reference, ticket: 2, checkIn()), none),
            (.ticketCheckedIn(stranger, ticket: 0, checkIn()), none),
            (.ticketCheckedIn(reference, ticket: 1, checkIn()), "a ticket was checked in that could not be"),
            (.ticketCheckedIn(reference, ticket: 0, checkIn(gate: 1)), "a gate that there is not"),
            (.ticketCheckedIn(reference, ticket: 0, checkIn(at: -1)), clock),
            (.transferOffered(reference, ticket: 0, TicketSamples.offer), nil),
            (.transferOffered(reference, ticket: 2, TicketSamples.offer), none),
            (.transferWithdrawn(reference, ticket: 0), nil), (.transferWithdrawn(reference, ticket: 1), none),
            (.transferAccepted(reference, ticket: 0, transfer), nil),
            (.transferAccepted(reference, ticket: 1, transfer), none),
            (.transferAccepted(reference, ticket: 0, TicketTransfer(holder: "", at: 1)), "a ticket came to nobody"),
            (.transferAccepted(reference, ticket: 0, TicketTransfer(holder: "ben", at: .max)), clock),
            (.gateSet(GateDetails(id: "north", sections: [0])), nil),
            (.gateSet(GateDetails(id: "north", sections: [9])), "a gate for a section that there is not"),
            (.gateSet(GateDetails(id: "")), "a gate beyond every limit"),
            (.gateSet(GateDetails(id: "south", closesAt: .max)), clock), (.eventCancelled(at: Self.time), nil),
            (.eventCancelled(at: -1), clock), (.cancellationRestored(at: Self.time), "an event was called off twice"),
            (.ticketsRestored(reference, [TicketHistory(index: 1, checkIn: checkIn())]), nil),
            (.ticketsRestored(reference, []), none),
            (.ticketsRestored(reference, [TicketHistory(index: 0, checkIn: checkIn())]), none),
            (.ticketsRestored(reference, [TicketHistory(index: 1)]), none),
            (.ticketsRestored(reference, [TicketHistory(index: 2, checkIn: checkIn())]), none),
            (.ticketsRestored(reference, [TicketHistory(index: 1, transfers: eleven)]), hands),
        ]
        for (fact, reason) in cases {
            #expect(event.contradiction(of: fact)?.description == reason, "\(fact)")
            guard reason == nil else { continue }
            var copy = event
            copy.apply(fact)
            #expect(copy.checkInvariants() == [])
            #expect(copy.digest() != event.digest())
            #expect(try copy.restoredFromSnapshot().digest() == copy.digest())
        }
        var cancelled = event
        cancelled.apply(.eventCancelled(at: Self.time))
        let again = cancelled.contradiction(of: .eventCancelled(at: Self.time))
        #expect(again?.description == "an event was called off twice")
        var full = event
        for number in 1..<100 { full.apply(.gateSet(GateDetails(id: ShortText("g\(number)")!))) }
        #expect(full.contradiction(of: .gateSet(GateDetails(id: "g100"))) != nil)
        #expect(full.contradiction(of: .gateSet(GateDetails(id: "g99"))) == nil)
    }

    /// Kept whole, and rendered without a way to fail.
    @Test func anAnswerIsOfWhatThereIs() throws {
        let event = try event()
        func contradiction(_ answer: Answer) -> String? {
            var buffer = RecordBuffer()
            buffer.beginRecord()
            answer.encode(into: &buffer)
            return buffer.withLastPayload { event.contradiction(remembering: $0, at: 5)?.description }
        }
        let id = TicketID(event: event.key, reference: Self.reference, index: 0, check: 0)
        func place(_ section: SectionNumber, _ seat: UInt32?) -> TicketPlace {
            TicketPlace(id: id, section: section, seat: seat)
        }
        func scan(_ result: ScanResult, _ place: TicketPlace?, at: Milliseconds = 1) -> Answer {
            .scanned([ScanOutcome(result, ticket: place, scannedAt: at, gate: "")], isList: false)
        }
        #expect(contradiction(scan(.refunded, place(0, nil))) == nil)
        #expect(contradiction(scan(.refunded, place(9, nil))) != nil)
        #expect(contradiction(scan(.refunded, place(0, 3))) != nil)
        #expect(contradiction(scan(.refunded, nil)) != nil)
        #expect(contradiction(scan(.checkedIn, place(0, nil))) != nil)
        #expect(contradiction(scan(.void, place(0, nil))) != nil)
        #expect(contradiction(scan(.unknown, nil)) == nil)
        #expect(contradiction(scan(.unknown, nil, at: .max)) != nil)
        #expect(contradiction(.scanned([], isList: false)) != nil)
        #expect(contradiction(.gate(GateDetails(id: "north", sections: [0]))) == nil)
        #expect(contradiction(.gate(GateDetails(id: "north", sections: [9]))) != nil)
        let view = TicketView(
            place: place(9, nil),
            orderSecret: 1,
            holder: "",
            status: .issued,
            code: TicketSamples.code
        )
        #expect(contradiction(.ticket(view)) != nil)
        var hold = event.holdState(0).withoutTickets()
        #expect(
            contradiction(.refunded(hold, tickets: [1], marks: [TicketMark(index: 1, status: .refunded)], at: 5)) == nil
        )
        #expect(contradiction(.refunded(hold, tickets: [0], marks: [], at: 5)) != nil)
        #expect(
            contradiction(.refunded(hold, tickets: [1], marks: [TicketMark(index: 2, status: .refunded)], at: 5)) != nil
        )
        hold.order = nil
        #expect(contradiction(.refunded(hold, tickets: [], marks: [], at: 5)) != nil)
    }

    /// What came with tickets has numbers that older programs refuse.
    @Test func whatIsNewHasNumbersOfItsOwn() {
        func bytes(_ decision: Decision, key: IdempotencyKey? = nil) -> [UInt8] {
            var buffer = RecordBuffer()
            buffer.append(decision, event: EventKey(rawValue: 1), at: 2, key: key)
            return buffer.withLastPayload { Array($0) }
        }
        let kinds = Set(TicketSamples.facts.map { bytes(Decision($0, answer: .rejected(.eventNotFound)))[19] })
        #expect(kinds == Set(30...37))
        let answers = Set(TicketSamples.answers.map { bytes(Decision(nil, answer: $0), key: CodecSamples.key)[43] })
        #expect(answers == Set(20...24))
        for answer in TicketSamples.answers {
            #expect(bytes(Decision(nil, answer: answer), key: CodecSamples.key)[16] == 1)
        }
    }
}
