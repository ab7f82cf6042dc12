import Testing
import WAL

@testable import Engine

/// Facts about venues and dates that can't have happened are refused with a reason; earlier programs refuse what they would
/// lose; the rules and limits at their edges.
@Suite struct CatalogueFactTests {
    private static let context = CommandContext(tenant: "shop", now: 1_000, random: (0, 0))

    private static func date(_ id: ShortText, _ startsAt: Milliseconds = 2_000, _ endsAt: Milliseconds = 3_000)
        -> ScheduleDetails
    {
        ScheduleDetails(id: id, startsAt: startsAt, endsAt: endsAt)
    }

    private static func section(_ id: ShortText, _ total: UInt32, _ schedule: ScheduleNumber? = nil) -> SectionDetails {
        var details = SectionDetails(id: id, name: "Section", total: total)
        details.schedule = schedule
        return details
    }

    /// A gala with the dates "friday" and "saturday", a section of 9 places on each and one on none.
    private func event() -> EventInventory {
        let details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        var event = EventInventory(creating: .eventCreated(tenant: "shop", details, at: 1))!
        event.apply(.scheduleAdded(Self.date("friday")))
        event.apply(.scheduleAdded(Self.date("saturday", 4_000, 5_000)))
        event.apply(.sectionAdded(Self.section("a", 9, 0)))
        event.apply(.sectionAdded(Self.section("b", 9, 1)))
        event.apply(.sectionAdded(Self.section("c", 9)))
        return event
    }

    private func tenant() -> EventInventory {
        var tenant = EventInventory(creating: .tenantBegun(tenant: "shop", at: 1))!
        tenant.apply(.venueAdded(VenueDetails(id: "hall", name: "Hall", maximumCapacity: 5), at: 1))
        return tenant
    }

    private func check(_ state: EventInventory, _ cases: [(Fact, String?)]) {
        for (fact, reason) in cases {
            #expect(state.contradiction(of: fact)?.description == reason, "\(fact)")
            guard reason == nil else { continue }
            var copy = state
            copy.apply(fact)
            #expect(copy.checkInvariants() == [])
        }
    }

    @Test func datesThatCannotHaveBeenAreRefused() {
        let counting = "a version beyond all counting"
        check(
            event(),
            [
                (.scheduleAdded(Self.date("sunday")), nil),
                (.scheduleAdded(Self.date("friday")), "a schedule was added twice"),
                (.scheduleAdded(Self.date("")), "a schedule was added twice"),
                (.scheduleRestored(Self.date("sunday"), version: 9), nil),
                (.scheduleRestored(Self.date("sunday"), version: .max), counting),
                (.scheduleRestored(Self.date("sunday"), version: 0), counting),
                (.scheduleCancellationRestored(0, at: 1), "a schedule was cancelled that could not be"),
                (.scheduleCancellationRestored(2, at: 1), "a schedule that there is not"),
                (.scheduleUpdated(1, Self.date("saturday")), nil),
                (.scheduleUpdated(1, Self.date("friday")), "a schedule's id changed"),
                (.scheduleUpdated(2, Self.date("sunday")), "a schedule that there is not"),
                (.sectionAdded(Self.section("d", 1, 2)), "a schedule that there is not"),
                (.sectionUpdated(0, Self.section("a", 1, 2)), "a schedule that there is not"),
                (.sectionUpdated(0, Self.section("a", 1, 1)), nil),
                (.venueAdded(CodecSamples.venue, at: 1), "a venue of an event"),
                (.tenantBegun(tenant: "shop", at: 1), "a tenant's inventory began twice"),
            ]
        )
    }

    @Test func aCancelledDateIsRestoredOnce() throws {
        var cancelled = Self.date("sunday")
        cancelled.isCancelled = true
        var event = event()
        event.apply(.scheduleRestored(cancelled, version: 2))
        #expect(event.hasUndatedCancellation)
        check(
            event,
            [
                (.scheduleCancellationRestored(2, at: 7), nil),
                (.scheduleCancellationRestored(2, at: -1), "a time that no clock shows"),
            ]
        )
        event.apply(.scheduleCancellationRestored(2, at: 7))
        #expect(!event.hasUndatedCancellation)
        check(event, [(.scheduleCancellationRestored(2, at: 7), "a schedule was cancelled that could not be")])
        #expect(try event.restoredFromSnapshot().digest() == event.digest())
    }

    @Test func venuesThatCannotHaveBeenAreRefused() {
        let hall = VenueDetails(id: "hall", name: "Hall", maximumCapacity: 6)
        check(
            tenant(),
            [
                (.venueAdded(CodecSamples.venue, at: 1), nil), (.venueAdded(hall, at: 1), "a venue was added twice"),
                (.venueUpdated(hall), nil), (.venueUpdated(CodecSamples.venue), "a venue that there is not"),
                (
                    .venueRestored(VenueView(details: CodecSamples.venue, version: 0, createdAt: 1)),
                    "a venue of no time"
                ),
                (.venueAdded(CodecSamples.venue, at: -1), "a venue of no time"),
                (.sectionAdded(Self.section("a", 1)), "a fact about an event that is none"),
                (.eventStatusChanged(.published), "a fact about an event that is none"),
            ]
        )
        let nameless = EventInventory(
            creating: .eventCreated(tenant: "shop", EventDetails(id: "", name: "", currency: "EUR"), at: 1)
        )
        #expect(nameless?.contradictionOfBeginning() != nil)
    }

    /// An answer that is kept whole is rendered without a way to fail.
    @Test func anAnswerNamesADateThatThereIs() {
        let event = event()
        func contradiction(_ answer: Answer) -> String? {
            var buffer = RecordBuffer()
            buffer.beginRecord()
            answer.encode(into: &buffer)
            return buffer.withLastPayload { event.contradiction(remembering: $0, at: 5)?.description }
        }
        let counts = SectionCounts(total: 9, buffer: 0, reserved: 0, sold: 0)
        for (schedule, isThere) in [(0, true), (1, true), (2, false)] as [(ScheduleNumber, Bool)] {
            let view = SectionView(number: 0, details: Self.section("a", 9, schedule), counts: counts)
            #expect((contradiction(.section(view)) == nil) == isThere)
        }
        #expect(contradiction(.rejected(.scheduleCancelled(2))) == nil)
        #expect(contradiction(.rejected(.scheduleEnded(3, endedAt: 0))) != nil)
        #expect(contradiction(.rejected(.earlier(.scheduleEnded(3, endedAt: 0)))) != nil)
    }

    /// The bytes of what has nothing new are those of before; everything else has a number that older programs refuse.
    @Test func whatIsNewHasNumbersOfItsOwn() {
        func kind(_ fact: Fact) -> UInt8 {
            var buffer = RecordBuffer()
            buffer.append(
                Decision(fact, answer: .rejected(.eventNotFound)),
                event: EventKey(rawValue: 1),
                at: 2,
                key: nil
            )
            return buffer.withLastPayload { $0[19] }
        }
        #expect(kind(.eventUpdated(CodecSamples.fullEvent)) == 2)
        #expect(kind(.eventUpdated(CodecSamples.eventAtVenue)) == 42)
        #expect(kind(.sectionAdded(CodecSamples.strictSection)) == 27)
        #expect(kind(.sectionAdded(CodecSamples.datedSection)) == 43)
        #expect(kind(.tierUpdated(0, CodecSamples.fullTier)) == 7)
        #expect(kind(.tierUpdated(0, CodecSamples.markedTier)) == 44)
        #expect(kind(.scheduleAdded(CodecSamples.schedule)) == 45)
        #expect(kind(.venueUpdated(CodecSamples.venue)) == 46)
        #expect(kind(.tenantBegun(tenant: "shop", at: 1)) == 47)
    }

    @Test func snapshotsKeepVenuesAndDates() throws {
        for state in [event(), tenant()] {
            var changed = state
            if state.isOfTenant {
                changed.apply(.venueUpdated(VenueDetails(id: "hall", name: "Hall", maximumCapacity: 9)))
                changed.apply(.venueAdded(CodecSamples.venue, at: 2))
            } else {
                changed.apply(.scheduleUpdated(0, Self.date("friday", 5, 6)))
            }
            let restored = try changed.restoredFromSnapshot()
            #expect(restored.digest() == changed.digest())
            #expect(restored.digest() != state.digest())
            #expect(restored.isOfTenant == state.isOfTenant && restored.checkInvariants() == [])
        }
    }

    // MARK: - Limits

    @Test func thereAreSoManyDatesAndVenues() throws {
        var event = event()
        for number in event.schedules.count..<InventoryLimits.schedulesPerEventMax {
            event.apply(.scheduleAdded(Self.date(ShortText("date-\(number)")!)))
        }
        #expect(throws: Rejection.limitReached(.schedules)) {
            try event.decide(.addSchedule(Self.date("more")), Self.context)
        }
        var tenant = tenant()
        for number in tenant.venues.count..<InventoryLimits.venuesPerTenantMax {
            tenant.apply(.venueAdded(VenueDetails(id: ShortText("v\(number)")!, name: "V", maximumCapacity: 1), at: 1))
        }
        #expect(tenant.checkInvariants() == [])
        #expect(throws: Rejection.limitReached(.venues)) {
            try tenant.decide(.createVenue(CodecSamples.venue), Self.context)
        }
        #expect(throws: Rejection.eventNotFound) { try tenant.decide(.publishEvent, Self.context) }
        #expect(throws: Rejection.eventNotFound) { try tenant.find(.sections, Self.context) }
    }

    @Test(arguments: [(4_096, true), (4_097, false)])
    func attributesHaveALimit(_ bytes: Int, _ isAllowed: Bool) {
        expect("\"a\":\"\(String(repeating: "x", count: bytes - 6))\"", areAllowed: isAllowed)
    }

    @Test(arguments: [("", true), (#""a":1"#, true), ("x", false), (#""a":1}"#, false)])
    func attributesAreMembers(_ attributes: String, _ areAllowed: Bool) {
        expect(attributes, areAllowed: areAllowed)
    }

    private func expect(_ attributes: String, areAllowed isAllowed: Bool) {
        var date = Self.date("sunday")
        date.attributes = attributes
        var section = Self.section("d", 1)
        section.attributes = attributes
        var tier = PriceTierDetails(name: "Tier", basePrice: 1)
        tier.attributes = attributes
        var venue = VenueDetails(id: "barn", name: "Barn", maximumCapacity: 1)
        venue.attributes = attributes
        for (state, command) in [
            (event(), .addSchedule(date)), (event(), .addSection(section)), (event(), .addTier(tier)),
            (tenant(), .createVenue(venue)),
        ] as [(EventInventory, Command)] {
            #expect(((try? state.decide(command, Self.context)) != nil) == isAllowed)
        }
    }

    /// To the place and the millisecond.
    @Test func aDateIsSoldUntilItEndsAndFillsItsVenue() throws {
        var event = event()
        event.apply(.eventStatusChanged(.published))
        func reserve(at now: Milliseconds) throws(Rejection) {
            var context = Self.context
            context.now = now
            _ = try event.decide(.reserve(ReserveRequest(first: .init(section: 0, quantity: 1))), context)
        }
        try reserve(at: 2_999)
        #expect(throws: Rejection.scheduleEnded(0, endedAt: 3_000)) { try reserve(at: 3_000) }
        var context = Self.context
        // Nine places are on each date, nine more of a section without.
        context.venueMaximum = 19
        _ = try event.decide(.addSection(Self.section("d", 1, 0)), context)
        for date in [0, nil] as [ScheduleNumber?] {
            #expect(throws: Rejection.overVenueMaximum(asked: 2, others: 18, maximum: 19)) {
                try event.decide(.addSection(Self.section("d", 2, date)), context)
            }
        }
        _ = try event.decide(.updateSection(0, Self.section("a", 10, 0)), context)
        #expect(throws: Rejection.overVenueMaximum(asked: 9, others: 18, maximum: 19)) {
            try event.decide(.updateSection(0, Self.section("a", 9, 1)), context)
        }
        #expect(throws: Rejection.overVenueMaximum(asked: 9, others: 18, maximum: 19)) {
            try event.decide(.updateSection(0, Self.section("a", 9)), context)
        }
        // What is too much already binds growth only; with a date its places are on fewer than without.
        context.venueMaximum = 5
        _ = try event.decide(.updateSection(2, Self.section("c", 9)), context)
        _ = try event.decide(.updateSection(2, Self.section("c", 9, 0)), context)
        #expect(throws: Rejection.overVenueMaximum(asked: 10, others: 9, maximum: 5)) {
            try event.decide(.updateSection(2, Self.section("c", 10)), context)
        }
        var details = event.details
        details.venue = "hall"
        #expect(throws: Rejection.overVenueMaximum(asked: 18, others: 0, maximum: 5)) {
            try event.decide(.updateEvent(details, expectedVersion: nil), context)
        }
    }
}
