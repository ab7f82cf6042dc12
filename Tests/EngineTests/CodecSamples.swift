@testable import Engine

/// At least one value of every case that the log can hold, with empty, ordinary and extreme fields.
///
/// The kinds name every case without a default: a new one doesn't compile until it has a name here, and the tests
/// fail until it has a sample.
enum CodecSamples {
    static let reference = HoldReference(slot: 7, generation: .max)
    static let longText = ShortText(String(repeating: "x", count: 64))!
    static let lock = PriceLock(
        tierVersion: 3,
        unitPrice: InventoryLimits.priceMax,
        serviceFee: 250,
        facilityFee: 0,
        taxBasisPoints: 10_000,
        lockedAt: 1_800_000_000_000
    )
    static let key = IdempotencyKey(high: .max, low: 0x0123_4567_89ab_cdef, fingerprint: 1)

    static var plainEvent: EventDetails { EventDetails(id: "gala", name: "Gala", currency: "EUR") }

    static var fullEvent: EventDetails {
        var details = EventDetails(id: longText, name: "Große Gala – 夜", currency: "JPY")
        details.startsAt = 1_800_000_000_000
        details.salesStartAt = -1
        details.salesEndAt = .max
        details.holdTimeSeconds = 1
        details.holdTimeMaxSeconds = 86_400
        details.openHoldsPerCustomerMax = .max
        details.attributes = #""a":1,"b":["é"]"#
        return details
    }

    static var eventAtVenue: EventDetails {
        var details = fullEvent
        details.venue = longText
        return details
    }

    static var plainSection: SectionDetails { SectionDetails(id: "floor", name: "Floor", total: 0) }

    static var fullSection: SectionDetails {
        var details = SectionDetails(id: longText, name: "Bühne", total: 10_000_000)
        details.code = "B1"
        details.buffer = 10_000_000
        details.minimumPurchase = 2
        details.maximumPurchase = 999
        details.isActive = false
        details.isVisible = false
        return details
    }

    static var datedSection: SectionDetails {
        var details = strictSection
        details.schedule = .max
        details.attributes = #""a":{"b":"é"}"#
        return details
    }

    static var markedSection: SectionDetails {
        var details = plainSection
        details.attributes = #""a":1"#
        return details
    }

    static var markedTier: PriceTierDetails {
        var details = fullTier
        details.attributes = #""a":null"#
        return details
    }

    static var schedule: ScheduleDetails {
        var details = ScheduleDetails(id: longText, startsAt: -1, endsAt: .max)
        details.doorsOpenAt = .min
        details.isCancelled = true
        details.attributes = #""b":"夜""#
        return details
    }

    static var venue: VenueDetails {
        var details = VenueDetails(id: longText, name: "Große Halle", maximumCapacity: 1_000_000_000)
        details.address.street = "Bühnenweg 1"
        details.address.city = "Ulm"
        details.address.state = "BW"
        details.address.postalCode = "89073"
        details.address.country = "DE"
        details.attributes = #""c":[]"#
        return details
    }

    static var plainTier: PriceTierDetails { PriceTierDetails(name: "Full", basePrice: 0) }

    static var fullTier: PriceTierDetails {
        var details = PriceTierDetails(name: "Alles", basePrice: InventoryLimits.priceMax)
        details.serviceFee = 1
        details.facilityFee = 2
        details.taxBasisPoints = 1_900
        details.isDynamic = true
        details.minPrice = 3
        details.maxPrice = 4
        details.currentPrice = 5
        details.earlyBirdPrice = 6
        details.earlyBirdEndsAt = 7
        details.lastMinutePrice = 8
        details.lastMinuteStartsAt = 9
        details.groupSizeMin = 10
        details.groupDiscountBasisPoints = 11
        details.salesStartAt = 12
        details.salesEndAt = 13
        details.maxPerOrder = 14
        details.maxPerCustomer = 15
        details.section = .max
        details.isActive = false
        details.isVisible = false
        return details
    }

    static var order: OrderState {
        OrderState(
            confirmedAt: 1_800_000_000_001,
            total: 12_420,
            paymentReference: "pay-é-1",
            ticketSecret: (1, .max),
            refunded: [0, 2],
            restocked: [2]
        )
    }

    static var plainHold: HoldState {
        HoldState(
            reference: HoldReference(slot: 0, generation: 0),
            secret: .max,
            customer: .empty,
            status: .held,
            createdAt: 1_800_000_000_000,
            expiresAt: 1_800_000_900_000,
            endedAt: 0,
            first: HoldLine(section: 0, quantity: 1),
            rest: [],
            order: nil
        )
    }

    static var fullHold: HoldState {
        var hold = plainHold
        hold.reference = reference
        hold.customer = longText
        hold.status = .confirmed
        hold.endedAt = 1_800_000_000_001
        hold.first = HoldLine(section: 3, quantity: 2, tier: 4, lock: lock)
        hold.rest = (0..<15).map { HoldLine(section: $0, quantity: 1_000, tier: $0, lock: lock) }
        hold.order = OrderBox(order)
        return hold
    }

    static var rows: [SeatRow] {
        [
            SeatRow(label: "A", from: 1, to: 20),
            SeatRow(label: ShortText(String(repeating: "é", count: 20))!, from: 1_000_000, to: 900_100, step: 100),
            SeatRow(label: "Loge-1", seats: .texts(["1", "1a", ShortText(String(repeating: "x", count: 16))!])),
        ]
    }

    static let runs = [SeatRun(first: 0, count: 2), SeatRun(first: 999_000, count: 1_000, line: 15)]

    static var seatedHold: HoldState { plainHold.with(seats: [SeatRun(first: 7, count: 1)]) }

    static var strictSection: SectionDetails {
        var details = fullSection
        details.leavesNoSingleSeat = true
        return details
    }

    static let counts = SectionCounts(total: 10, buffer: 1, reserved: 2, sold: 3)

    static var restored: EventRestored {
        EventRestored(
            tenant: "shop",
            details: fullEvent,
            createdAt: 1_800_000_000_000,
            status: .cancelled,
            version: 9,
            lastCommandAt: 1_800_000_000_009
        )
    }

    static var restoredAtVenue: EventRestored {
        var event = restored
        event.details = eventAtVenue
        return event
    }

    // MARK: - Facts

    enum FactKind: CaseIterable {
        case eventCreated, eventUpdated, eventStatusChanged, sectionAdded, sectionUpdated, tierAdded, tierUpdated
        case holdPlaced, lineLocked, holdExtended, holdConfirmed, holdReleased, holdExpired, ticketsRefunded
        case eventRestored, holdRestored, endedSlotsRestored, answerRestored, tierRestored
        case seatsAdded, seatsBlocked, seatsUnblocked, seatRevisionRestored
        case salesRestored, salesSumsRestored, salesDaysRestored
        case scheduleAdded, scheduleUpdated, scheduleRestored, scheduleCancellationRestored, tenantBegun, tenantRestored
        case venueAdded, venueUpdated, venueRestored
        case ticketCheckedIn, transferOffered, transferWithdrawn, transferAccepted, gateSet, eventCancelled
        case ticketsRestored, cancellationRestored

        init(_ fact: Fact) {
            switch fact {
            case .eventCreated: self = .eventCreated
            case .eventUpdated: self = .eventUpdated
            case .eventStatusChanged: self = .eventStatusChanged
            case .sectionAdded: self = .sectionAdded
            case .sectionUpdated: self = .sectionUpdated
            case .tierAdded: self = .tierAdded
            case .tierUpdated: self = .tierUpdated
            case .holdPlaced: self = .holdPlaced
            case .lineLocked: self = .lineLocked
            case .holdExtended: self = .holdExtended
            case .holdConfirmed: self = .holdConfirmed
            case .holdReleased: self = .holdReleased
            case .holdExpired: self = .holdExpired
            case .ticketsRefunded: self = .ticketsRefunded
            case .eventRestored: self = .eventRestored
            case .holdRestored: self = .holdRestored
            case .endedSlotsRestored: self = .endedSlotsRestored
            case .answerRestored: self = .answerRestored
            case .tierRestored: self = .tierRestored
            case .seatsAdded: self = .seatsAdded
            case .seatsBlocked: self = .seatsBlocked
            case .seatsUnblocked: self = .seatsUnblocked
            case .seatRevisionRestored: self = .seatRevisionRestored
            case .salesRestored: self = .salesRestored
            case .salesSumsRestored: self = .salesSumsRestored
            case .salesDaysRestored: self = .salesDaysRestored
            case .scheduleAdded: self = .scheduleAdded
            case .scheduleUpdated: self = .scheduleUpdated
            case .scheduleRestored: self = .scheduleRestored
            case .scheduleCancellationRestored: self = .scheduleCancellationRestored
            case .tenantBegun: self = .tenantBegun
            case .tenantRestored: self = .tenantRestored
            case .venueAdded: self = .venueAdded
            case .venueUpdated: self = .venueUpdated
            case .venueRestored: self = .venueRestored
            case .ticketCheckedIn: self = .ticketCheckedIn
            case .transferOffered: self = .transferOffered
            case .transferWithdrawn: self = .transferWithdrawn
            case .transferAccepted: self = .transferAccepted
            case .gateSet: self = .gateSet
            case .eventCancelled: self = .eventCancelled
            case .ticketsRestored: self = .ticketsRestored
            case .cancellationRestored: self = .cancellationRestored
            }
        }
    }

    static var facts: [Fact] {
        [
            .eventCreated(tenant: "shop", plainEvent, at: 1_800_000_000_000),
            .eventCreated(tenant: longText, fullEvent, at: .min),
            .eventUpdated(fullEvent),
            .eventStatusChanged(.draft),
            .eventStatusChanged(.published),
            .eventStatusChanged(.cancelled),
            .sectionAdded(plainSection),
            .sectionUpdated(.max, fullSection),
            .tierAdded(plainTier, number: nil),
            .tierAdded(plainTier, number: 7),
            .tierRestored(fullTier, version: .max),
            .tierUpdated(1, fullTier),
            .holdPlaced(plainHold),
            .holdPlaced(fullHold),
            .lineLocked(reference, line: 15, tier: 2, lock),
            .holdExtended(reference, expiresAt: 1_800_000_000_002),
            .holdConfirmed(reference, OrderBox(order)),
            .holdReleased(reference, at: 1_800_000_000_003),
            .holdExpired(reference, at: 1_800_000_000_004),
            .ticketsRefunded(reference, tickets: [], restock: false),
            .ticketsRefunded(reference, tickets: [0, 1, 15_999], restock: true),
            .eventRestored(restored),
            .holdRestored(plainHold),
            .holdRestored(fullHold),
            .endedSlotsRestored([]),
            .endedSlotsRestored([3, 1, 2]),
            .answerRestored(key, at: 1_800_000_000_005, [8]),
            .answerRestored(key, at: 1_800_000_000_005, [1, 2, 3]),
            .answerRestored(key, at: 1_800_000_000_005, [8, 38, 3]),
            .sectionAdded(strictSection),
            .sectionUpdated(3, strictSection),
            .seatsAdded(1, rows),
            .seatsBlocked(2, runs),
            .seatsUnblocked(.max, runs),
            .seatRevisionRestored(3, revision: .max),
            .salesRestored(SalesTotals()),
            .salesRestored(salesTotals),
            .salesSumsRestored(.section, []),
            .salesSumsRestored(.tier, [SalesSums(), salesSums]),
            .salesDaysRestored([]),
            .salesDaysRestored([salesDay(DaySales.undated), salesDay(DaySales.earlier), salesDay(20_000)]),
            .holdPlaced(seatedHold),
            .holdPlaced(fullHold.with(seats: runs)),
            .holdRestored(fullHold.with(seats: runs)),
            .eventCreated(tenant: "shop", eventAtVenue, at: 1_800_000_000_000),
            .eventUpdated(eventAtVenue),
            .eventRestored(restoredAtVenue),
            .sectionAdded(datedSection),
            .sectionUpdated(.max, markedSection),
            .tierAdded(markedTier, number: nil),
            .tierAdded(markedTier, number: .max),
            .tierUpdated(1, markedTier),
            .tierRestored(markedTier, version: .max),
            .scheduleAdded(ScheduleDetails(id: "first", startsAt: 0, endsAt: 1)),
            .scheduleUpdated(.max, schedule),
            .scheduleRestored(schedule, version: .max),
            .scheduleCancellationRestored(.max, at: .min),
            .tenantBegun(tenant: "shop", at: 1),
            .tenantRestored(tenant: longText, createdAt: .min, lastCommandAt: .max),
            .venueAdded(VenueDetails(id: "arena", name: "", maximumCapacity: 0), at: .max),
            .venueUpdated(venue),
            .venueRestored(VenueView(details: venue, version: .max, createdAt: 1)),
        ] + TicketSamples.facts
    }

    // MARK: - Answers

    enum AnswerKind: CaseIterable {
        case event, section, tier, schedule, venue, reserved, reservedOne, reservation, order, rejected
        case refunded, ticket, scanned, gate

        init(_ answer: Answer) {
            switch answer {
            case .event: self = .event
            case .section: self = .section
            case .tier: self = .tier
            case .schedule: self = .schedule
            case .venue: self = .venue
            case .reserved: self = .reserved
            case .reservedOne: self = .reservedOne
            case .reservation: self = .reservation
            case .order: self = .order
            case .refunded: self = .refunded
            case .ticket: self = .ticket
            case .scanned: self = .scanned
            case .gate: self = .gate
            case .rejected: self = .rejected
            }
        }
    }

    static var answers: [Answer] {
        [
            .event(EventView(details: fullEvent, status: .published, version: 2, createdAt: 1)),
            .section(SectionView(number: 1, details: fullSection, counts: counts)),
            .tier(TierView(number: 2, version: .max, details: fullTier)),
            .reserved(fullHold, counts: Array(repeating: counts, count: 16), at: 3, isSingleSection: false),
            .reservedOne(plainHold, counts: counts, at: 4, isSingleSection: true),
            .reservation(plainHold, at: 5),
            .order(fullHold, at: 6),
            .section(SectionView(number: 1, details: strictSection, counts: counts)),
            .reserved(
                fullHold.with(seats: runs),
                counts: Array(repeating: counts, count: 16),
                at: 3,
                isSingleSection: false
            ),
            .reservedOne(seatedHold, counts: counts, at: 4, isSingleSection: true),
            .reservation(seatedHold, at: 5),
            .order(fullHold.with(seats: runs), at: 6),
            .event(EventView(details: eventAtVenue, status: .draft, version: 1, createdAt: 1)),
            .section(SectionView(number: 1, details: datedSection, counts: counts)),
            .section(SectionView(number: 1, details: markedSection, counts: counts)),
            .tier(TierView(number: 2, version: .max, details: markedTier)),
            .schedule(ScheduleView(details: schedule, version: 2)),
            .venue(VenueView(details: venue, version: 3, createdAt: 4)),
        ] + TicketSamples.answers + rejections.map(Answer.rejected)
    }
}
