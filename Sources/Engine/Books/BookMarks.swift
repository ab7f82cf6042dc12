/// What of an event has changed since it was last written into the books: places to look at, not the changes themselves.
///
/// However much happens before the next flush, this grows no larger than the event has slots, sections, seats and tickets.
package struct BookMarks: Sendable {
    /// A numbered seat.
    package struct Seat: Hashable, Sendable {
        package let section: SectionNumber
        package let position: UInt32
    }

    /// A ticket of an order.
    package struct Ticket: Hashable, Sendable {
        package let slot: UInt32
        package let number: UInt32

        package init(slot: UInt32, number: UInt32) {
            self.slot = slot
            self.number = number
        }
    }

    /// Everything: nobody knows what of it the books have.
    package var isWhole = false
    /// The event's or a section's, tier's, schedule's or venue's description.
    package private(set) var isCatalogueChanged = false
    package private(set) var slots: Set<UInt32> = []
    /// Slots that a hold has taken since which was the first in them: the books can't have it. They may be in `slots`, too.
    package private(set) var newSlots: Set<UInt32> = []
    package private(set) var sections: Set<SectionNumber> = []
    package private(set) var seats: Set<Seat> = []
    /// Sections all of whose seats are to be looked at.
    package private(set) var seatedSections: Set<SectionNumber> = []

    /// What the log tells and the state doesn't: when tickets were refunded, and who scanned them.
    package private(set) var refundedAt: [Ticket: Milliseconds] = [:]
    package private(set) var scannedBy: [Ticket: ShortText] = [:]

    package init(isWhole: Bool = false) { self.isWhole = isWhole }

    /// Notes of a record what nothing but it tells.
    mutating func noteCircumstances(of record: EventRecord) {
        for fact in record.facts {
            switch fact {
            case .ticketsRefunded(let reference, let tickets, _):
                for ticket in tickets { refundedAt[Ticket(slot: reference.slot, number: ticket)] = record.at }
            case .ticketCheckedIn(let reference, let ticket, _) where !record.whoAsked.isEmpty:
                scannedBy[Ticket(slot: reference.slot, number: ticket)] = record.whoAsked
            default: break
            }
        }
    }

    /// Notes what a fact changes.
    /// - Parameter find: looks in the event as it was before the fact or after it, even long after.
    mutating func note(_ fact: Fact, _ find: (HoldReference) -> FoundHold) {
        guard !isWhole else { return }
        switch fact {
        case .eventCreated, .eventUpdated, .eventStatusChanged, .eventCancelled, .sectionAdded, .sectionUpdated,
            .tierAdded,
            .tierUpdated, .scheduleAdded, .scheduleUpdated, .tenantBegun, .venueAdded, .venueUpdated, .gateSet:
            isCatalogueChanged = true
        case .holdPlaced(let hold): note(hold)
        case .lineLocked(let reference, _, _, _), .holdExtended(let reference, _),
            .ticketCheckedIn(let reference, _, _), .transferOffered(let reference, _, _),
            .transferWithdrawn(let reference, _), .transferAccepted(let reference, _, _):
            slots.insert(reference.slot)
        case .holdConfirmed(let reference, _), .holdReleased(let reference, _), .holdExpired(let reference, _),
            .ticketsRefunded(let reference, _, _):
            noteStock(of: reference, find)
        case .seatsAdded(let section, _):
            sections.insert(section)
            seatedSections.insert(section)
        case .seatsBlocked(let section, let runs), .seatsUnblocked(let section, let runs):
            sections.insert(section)
            for run in runs { note(run, section) }
        case .ticketsRestored, .cancellationRestored, .eventRestored, .tierRestored, .holdRestored,
            .seatRevisionRestored, .scheduleCancellationRestored,
            .endedSlotsRestored, .scheduleRestored, .tenantRestored, .venueRestored, .answerRestored, .salesRestored,
            .salesSumsRestored, .salesDaysRestored:
            // Of snapshots: no record of a log has them.
            isWhole = true
        }
    }

    private mutating func note(_ hold: HoldState) {
        if hold.reference.generation == 0 {
            newSlots.insert(hold.reference.slot)
        } else {
            slots.insert(hold.reference.slot)
        }
        noteStock(of: hold)
    }

    private mutating func noteStock(of hold: HoldState) {
        for index in 0..<hold.lineCount { sections.insert(hold[line: index].section) }
        for run in hold.seats { note(run, hold[line: Int(run.line)].section) }
    }

    private mutating func note(_ run: SeatRun, _ section: SectionNumber) {
        for position in run.positions { seats.insert(Seat(section: section, position: position)) }
    }

    /// The lines and seats of a hold never change, so any later state tells them; where its slot has gone to another by
    /// now, nothing does.
    private mutating func noteStock(of reference: HoldReference, _ find: (HoldReference) -> FoundHold) {
        slots.insert(reference.slot)
        switch find(reference) {
        case .hold(let hold): noteStock(of: hold)
        case .other: isWhole = true
        // It comes with a later record, and is noted then.
        case .unused: break
        }
    }
}

/// What has become of a hold's reference.
enum FoundHold {
    case hold(HoldState)
    /// Its slot has gone to another.
    case other
    /// Its slot was never used.
    case unused
}
