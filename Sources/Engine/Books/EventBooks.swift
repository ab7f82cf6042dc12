import WAL

// What the books are written from: an event as the rules see it, looked at in pieces.

extension EventInventory {
    /// Whether this is what belongs to a tenant and to no event: its venues.
    package var isTenantsOwn: Bool { isOfTenant }
    package var bookedVenues: [VenueView] { Array(venues.venues) }
    package var bookedScheduleCount: Int { schedules.count }
    package var bookedTierCount: Int { tiers.count }
    package func bookedSchedule(_ number: ScheduleNumber) -> ScheduleView { scheduleView(number) }
    package func bookedSection(_ number: SectionNumber) -> SectionView { sectionView(number) }
    package func bookedTier(_ number: TierNumber) -> TierView { tierView(number) }
    package func bookedGate(_ number: GateNumber) -> ShortText { gates[Int(number)].id }

    /// The hold that has the slot now.
    /// - Precondition: the slot is in use.
    package func bookedHold(_ slot: UInt32) -> HoldState { holdState(slot) }

    /// Numbered seats of the section; 0 for one that sells places by number only.
    package func bookedSeatCount(_ section: SectionNumber) -> UInt32 { seatMap(of: section)?.seatCount ?? 0 }

    /// - Precondition: the section has such a seat.
    package func bookedSeat(_ section: SectionNumber, _ position: UInt32) -> SeatState {
        seatMaps[Int(sections[Int(section)].seatMap)].states.state(of: position)
    }

    /// Writes the event as a snapshot does, `flush`ing whenever some hundred kilobytes have gathered and at the end.
    package func writeSnapshot<E: Error>(
        asOf position: LogPosition,
        into buffer: inout RecordBuffer,
        flush: (inout RecordBuffer) throws(E) -> Void
    ) throws(E) {
        try SnapshotRecord.write(self, asOf: position, into: &buffer, flush: flush)
        try flush(&buffer)
    }
}

extension OrderState {
    /// What has become of a ticket, whatever the time.
    package func isTicketRefunded(_ index: UInt32) -> Bool { isRefunded(index) }
}

extension Fact {
    /// What happened, in the words of the feed.
    package var action: StaticString {
        switch self {
        case .eventCreated: "event.created"
        case .eventUpdated: "event.updated"
        case .eventStatusChanged(.draft): "event.restored"
        case .eventStatusChanged(.published): "event.published"
        case .eventStatusChanged(.cancelled): "event.deleted"
        case .eventCancelled: "event.cancelled"
        case .sectionAdded: "capacity.created"
        case .sectionUpdated: "capacity.updated"
        case .tierAdded: "pricing.created"
        case .tierUpdated: "pricing.updated"
        case .holdPlaced: "reservation.created"
        case .lineLocked: "reservation.price_locked"
        case .holdExtended: "reservation.extended"
        case .holdConfirmed: "order.created"
        case .holdReleased: "reservation.released"
        case .holdExpired: "reservation.expired"
        case .ticketsRefunded: "order.refunded"
        case .seatsAdded: "seats.added"
        case .seatsBlocked: "seats.blocked"
        case .seatsUnblocked: "seats.unblocked"
        case .scheduleAdded: "schedule.created"
        case .scheduleUpdated: "schedule.updated"
        case .tenantBegun: "tenant.begun"
        case .venueAdded: "venue.created"
        case .venueUpdated: "venue.updated"
        case .ticketCheckedIn: "ticket.checked_in"
        case .transferOffered: "ticket.offered"
        case .transferWithdrawn: "ticket.withdrawn"
        case .transferAccepted: "ticket.transferred"
        case .gateSet: "gate.set"
        case .ticketsRestored, .cancellationRestored, .eventRestored, .tierRestored, .holdRestored,
            .seatRevisionRestored, .scheduleCancellationRestored,
            .endedSlotsRestored, .scheduleRestored, .tenantRestored, .venueRestored, .answerRestored, .salesRestored,
            .salesSumsRestored, .salesDaysRestored:
            "snapshot.restored"
        }
    }

    /// The reservation that it is about; nil for what is about none.
    package var hold: HoldReference? {
        switch self {
        case .holdPlaced(let hold): hold.reference
        case .lineLocked(let reference, _, _, _), .holdExtended(let reference, _), .holdConfirmed(let reference, _),
            .holdReleased(let reference, _), .holdExpired(let reference, _), .ticketsRefunded(let reference, _, _),
            .ticketCheckedIn(let reference, _, _), .transferOffered(let reference, _, _),
            .transferWithdrawn(let reference, _), .transferAccepted(let reference, _, _):
            reference
        default: nil
        }
    }
}
