/// A schedule's place among those of its event, counted from 0 in order of creation.
public typealias ScheduleNumber = UInt32

/// What an organizer says of one date of an event. Sections that are of a date are sold for it only.
public struct ScheduleDetails: Equatable, Sendable {
    public var id: ShortText
    public var startsAt: Milliseconds
    /// Later than `startsAt`. Nothing of the date is sold from then on.
    public var endsAt: Milliseconds
    /// Not later than `startsAt`.
    public var doorsOpenAt: Milliseconds?
    /// Nothing of a cancelled date is sold, or handed on; what was sold stays sold until it is refunded. A date can be
    /// cancelled whatever was sold for it: that is when somebody has to.
    public var isCancelled = false
    /// Members of the organizer's JSON that this engine doesn't know, as in `EventDetails.attributes`.
    public var attributes = ""

    public init(id: ShortText, startsAt: Milliseconds, endsAt: Milliseconds) {
        self.id = id
        self.startsAt = startsAt
        self.endsAt = endsAt
    }
}

/// A schedule at one moment.
public struct ScheduleView: Equatable, Sendable {
    public var details: ScheduleDetails
    /// One more at every change; starts at 1.
    public var version: UInt32

    package init(details: ScheduleDetails, version: UInt32) {
        self.details = details
        self.version = version
    }
}

extension EventInventory {
    struct Schedule: Sendable {
        private(set) var details: ScheduleDetails
        private(set) var version: UInt32 = 1
        /// Since when it is cancelled; nil while it isn't, and where only a snapshot of an earlier build tells of it.
        var cancelledAt: Milliseconds?

        /// - Parameter at: when it was added.
        init(_ details: ScheduleDetails, at: Milliseconds) {
            self.details = details
            cancelledAt = details.isCancelled ? at : nil
        }

        init(restored details: ScheduleDetails, version: UInt32) {
            self.details = details
            self.version = version
        }

        /// A date that stays cancelled has been so since the first time.
        mutating func update(_ new: ScheduleDetails, at: Milliseconds) {
            if !new.isCancelled {
                cancelledAt = nil
            } else if !details.isCancelled {
                cancelledAt = at
            }
            details = new
            version += 1
        }
    }

    /// Whether a snapshot of an earlier build told of a cancelled date, and not since when.
    var hasUndatedCancellation: Bool { schedules.contains { $0.details.isCancelled && $0.cancelledAt == nil } }

    /// The id of one of this event's schedules. It never changes.
    /// - Precondition: the schedule exists.
    public func scheduleID(_ number: ScheduleNumber) -> ShortText { schedules[Int(number)].details.id }

    public func scheduleNumber(id: ShortText) -> ScheduleNumber? {
        schedules.firstIndex { $0.details.id == id }.map { ScheduleNumber($0) }
    }

    func scheduleView(_ number: ScheduleNumber) -> ScheduleView {
        ScheduleView(details: schedules[Int(number)].details, version: schedules[Int(number)].version)
    }
}
