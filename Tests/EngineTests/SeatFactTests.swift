import Testing
import WAL

@testable import Engine

/// Facts about seats that can't have happened are refused with a reason, before `apply` would stop the program; and programs
/// that know no seats refuse what has some.
@Suite struct SeatFactTests {
    /// Section 0 has the rows A (4 seats) and B (2); section 1 has places only. The hold in slot 0 has.
    private func event() -> EventInventory {
        let details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        var event = EventInventory(creating: .eventCreated(tenant: "shop", details, at: 1))!
        event.apply(.sectionAdded(SectionDetails(id: "stalls", name: "Stalls", total: 9)))
        event.apply(.sectionAdded(SectionDetails(id: "floor", name: "Floor", total: 9)))
        event.apply(.seatsAdded(0, [SeatRow(label: "A", from: 1, to: 4), SeatRow(label: "B", from: 1, to: 2)]))
        event.apply(.eventStatusChanged(.published))
        event.apply(.holdPlaced(hold(slot: 0, places: 2, [SeatRun(first: 0, count: 2)])))
        return event
    }

    private func hold(slot: UInt32, section: SectionNumber = 0, places: UInt32, _ seats: [SeatRun]) -> HoldState {
        var hold = CodecSamples.plainHold.with(seats: seats)
        hold.reference = HoldReference(slot: slot, generation: 0)
        hold.first = HoldLine(section: section, quantity: places)
        return hold
    }

    @Test func whatCannotHaveHappenedIsRefused() {
        let event = event()
        #expect(event.checkInvariants() == [])
        let taken = "a seat was taken twice"
        let missing = "numbered seats that there are not"
        let cases: [(Fact, String?)] = [
            (.holdPlaced(hold(slot: 1, places: 2, [SeatRun(first: 2, count: 2)])), nil),
            (.holdPlaced(hold(slot: 1, places: 2, [SeatRun(first: 1, count: 2)])), taken),
            (.holdPlaced(hold(slot: 1, places: 2, [SeatRun(first: 2, count: 1), SeatRun(first: 2, count: 1)])), taken),
            (.holdPlaced(hold(slot: 1, places: 2, [SeatRun(first: 3, count: 2)])), missing),
            (.holdPlaced(hold(slot: 1, places: 2, [SeatRun(first: 5, count: 2)])), missing),
            (.holdPlaced(hold(slot: 1, places: 2, [SeatRun(first: 2, count: 1)])), missing),
            (.holdPlaced(hold(slot: 1, places: 1, [SeatRun(first: 2, count: 1, line: 1)])), missing),
            (.holdPlaced(hold(slot: 1, places: 1, [])), missing),
            (.holdPlaced(hold(slot: 1, section: 1, places: 1, [SeatRun(first: 2, count: 1)])), missing),
            (.holdPlaced(hold(slot: 1, section: 1, places: 1, [])), nil),
            (.seatsBlocked(0, [SeatRun(first: 2, count: 2)]), nil),
            (.seatsBlocked(0, [SeatRun(first: 1, count: 2)]), taken),
            (.seatsBlocked(0, [SeatRun(first: 2, count: 1), SeatRun(first: 2, count: 1)]), taken),
            (.seatsBlocked(1, [SeatRun(first: 2, count: 1)]), missing),
            (.seatsUnblocked(0, [SeatRun(first: 2, count: 1)]), taken),
            (.seatRevisionRestored(1, revision: 3), missing),
            (.seatRevisionRestored(0, revision: .max), "a revision beyond all counting"),
            (.seatsAdded(0, [SeatRow(label: "A", from: 1, to: 4)]), "a row was added twice"),
            (.seatsAdded(0, [SeatRow(label: "C", seats: .texts(["1-1"]))]), "a row beyond every limit"),
            (.seatsAdded(0, []), "more rows or seats than any rule allows"),
            (.seatsAdded(7, [SeatRow(label: "A", from: 1, to: 4)]), "a section that there is not"),
            (
                .sectionUpdated(0, SectionDetails(id: "stalls", name: "Stalls", total: 9)),
                "a section of another size than its seats"
            ),
        ]
        for (fact, reason) in cases {
            #expect(event.contradiction(of: fact)?.description == reason, "\(fact)")
            guard reason == nil else { continue }
            var copy = event
            copy.apply(fact)
            #expect(copy.checkInvariants() == [])
        }
        var inUse = event
        inUse.apply(.holdPlaced(hold(slot: 1, section: 1, places: 1, [])))
        let rows = Fact.seatsAdded(1, [SeatRow(label: "A", from: 1, to: 4)])
        #expect(inUse.contradiction(of: rows)?.description == "seats for a section in use")
    }

    /// An answer that is kept whole is rendered without a way to fail.
    @Test func anAnswerNamesSeatsThatThereAre() {
        let event = event()
        func contradiction(_ answer: Answer) -> String? {
            var buffer = RecordBuffer()
            buffer.beginRecord()
            answer.encode(into: &buffer)
            return buffer.withLastPayload { event.contradiction(remembering: $0, at: 5)?.description }
        }
        #expect(contradiction(.rejected(.seatTaken(0, seat: 5))) == nil)
        #expect(contradiction(.rejected(.seatTaken(0, seat: 6))) != nil)
        #expect(contradiction(.rejected(.seatTaken(1, seat: 0))) != nil)
        #expect(contradiction(.reservation(hold(slot: 0, places: 2, [SeatRun(first: 0, count: 2)]), at: 5)) == nil)
        #expect(contradiction(.reservation(hold(slot: 0, places: 2, [SeatRun(first: 5, count: 2)]), at: 5)) != nil)
    }

    /// The bytes of what has no seats are those of before; everything else has a number that older programs refuse.
    @Test func whatHasSeatsHasNumbersOfItsOwn() {
        func bytes(_ decision: Decision, key: IdempotencyKey? = nil) -> [UInt8] {
            var buffer = RecordBuffer()
            buffer.append(decision, event: EventKey(rawValue: 1), at: 2, key: key)
            return buffer.withLastPayload { Array($0) }
        }
        func kind(_ fact: Fact) -> UInt8 { bytes(Decision(fact, answer: .rejected(.eventNotFound)))[19] }
        #expect(kind(.holdPlaced(CodecSamples.fullHold)) == 8)
        #expect(kind(.holdRestored(CodecSamples.fullHold)) == 16)
        #expect(kind(.sectionAdded(CodecSamples.fullSection)) == 4)
        #expect(kind(.holdPlaced(CodecSamples.seatedHold)) == 22)
        #expect(kind(.holdRestored(CodecSamples.seatedHold)) == 23)
        #expect(kind(.sectionAdded(CodecSamples.strictSection)) == 27)
        func flags(_ answer: Answer) -> UInt8 { bytes(Decision(nil, answer: answer), key: CodecSamples.key)[16] }
        #expect(flags(.rejected(.sectionNotFound)) == 1)
        #expect(flags(.rejected(.sectionWithoutSeats(0))) == 5)
        #expect(flags(.rejected(.invalid(.seats))) == 5)
        #expect(flags(.rejected(.invalid(.identifier))) == 1)
        #expect(flags(.order(CodecSamples.seatedHold, at: 1)) == 5)
    }
}
