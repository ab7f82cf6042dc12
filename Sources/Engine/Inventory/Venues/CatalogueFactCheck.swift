// What facts about venues and schedules must be for `apply` to take them; see FactCheck.swift.

extension EventInventory {
    private static let noVenue: StaticString = "a venue that there is not"
    private static let noSchedule: StaticString = "a schedule that there is not"

    /// Why a fact of this kind can't be about this inventory; nil when it can be.
    func contradictionOfOwner(_ fact: Fact) -> StaticString? {
        switch fact {
        case .venueAdded, .venueUpdated, .venueRestored:
            isOfTenant ? nil : "a venue of an event"
        // A kept answer is either's.
        case .answerRestored, .endedSlotsRestored: nil
        default: isOfTenant ? "a fact about an event that is none" : nil
        }
    }

    /// A venue that is new to the tenant's inventory.
    func contradiction(adding venue: VenueDetails, version: UInt32, at: Milliseconds) -> StaticString? {
        guard venues.count < InventoryLimits.venuesPerTenantMax else { return "more venues than a tenant has" }
        guard !venue.id.isEmpty, venues.find(venue.id) == nil else { return "a venue was added twice" }
        guard version >= 1, version <= Self.versionMax, Self.isClockTime(at) else { return "a venue of no time" }
        return nil
    }

    func contradiction(updating venue: VenueDetails) -> StaticString? {
        guard let known = venues.find(venue.id) else { return Self.noVenue }
        return known.version < Self.versionMax ? nil : "a version beyond all counting"
    }

    /// A schedule that is new to the event.
    func contradiction(adding schedule: ScheduleDetails, version: UInt32) -> StaticString? {
        guard schedules.count < InventoryLimits.schedulesPerEventMax else { return "more schedules than an event has" }
        guard !schedule.id.isEmpty, scheduleNumber(id: schedule.id) == nil else { return "a schedule was added twice" }
        return version >= 1 && version <= Self.versionMax ? nil : "a version beyond all counting"
    }

    func contradiction(updating number: ScheduleNumber, _ schedule: ScheduleDetails) -> StaticString? {
        guard number < UInt32(schedules.count) else { return Self.noSchedule }
        guard schedules[Int(number)].details.id == schedule.id else { return "a schedule's id changed" }
        return schedules[Int(number)].version < Self.versionMax ? nil : "a version beyond all counting"
    }

    /// Since when a schedule of a snapshot is cancelled.
    func contradiction(cancelling number: ScheduleNumber, at: Milliseconds) -> StaticString? {
        guard number < UInt32(schedules.count) else { return Self.noSchedule }
        let schedule = schedules[Int(number)]
        guard schedule.details.isCancelled, schedule.cancelledAt == nil else {
            return "a schedule was cancelled that could not be"
        }
        return Self.isClockTime(at) ? nil : Self.noClockTime
    }

    /// A section of a date that there is not.
    func contradictionOfSchedule(_ details: SectionDetails) -> StaticString? {
        details.schedule.map { $0 < UInt32(schedules.count) } ?? true ? nil : Self.noSchedule
    }
}
