/// Which dates of an event are asked for, and which page of them. They come in the order of their beginnings.
public struct ScheduleFilter: Equatable, Sendable {
    /// Where a page begins: behind the date that begins at `startsAt` and has this number.
    public struct Place: Equatable, Sendable {
        public var startsAt: Milliseconds
        public var number: ScheduleNumber

        public init(startsAt: Milliseconds, number: ScheduleNumber) {
            self.startsAt = startsAt
            self.number = number
        }

        fileprivate func precedes(_ other: Place) -> Bool { (startsAt, number) < (other.startsAt, other.number) }
    }

    /// Beginning at or after `from`, and before `to`.
    public var from: Milliseconds?
    public var to: Milliseconds?
    /// Those that are not cancelled and have not begun.
    public var isUpcomingOnly = false
    public var after: Place?
    public var limit: UInt32

    public init(limit: UInt32) { self.limit = limit }
}

/// One page of an event's dates.
public struct SchedulePage: Equatable, Sendable {
    public var views: [ScheduleView]
    /// Where the next page begins; nil behind the last one.
    public var next: ScheduleFilter.Place?
    /// What was asked for.
    public var filter: ScheduleFilter

    package init(views: [ScheduleView], next: ScheduleFilter.Place?, filter: ScheduleFilter) {
        self.views = views
        self.next = next
        self.filter = filter
    }
}

extension EventInventory {
    /// Looks at all dates, of which there are `InventoryLimits.schedulesPerEventMax` at most.
    func schedulePage(_ filter: ScheduleFilter, at now: Milliseconds) -> SchedulePage {
        var found: [ScheduleFilter.Place] = []
        for (index, schedule) in schedules.enumerated() {
            let start = schedule.details.startsAt
            let place = ScheduleFilter.Place(startsAt: start, number: ScheduleNumber(index))
            if let from = filter.from, start < from { continue }
            if let to = filter.to, start >= to { continue }
            if filter.isUpcomingOnly, schedule.details.isCancelled || start <= now { continue }
            if let after = filter.after, !after.precedes(place) { continue }
            found.append(place)
        }
        found.sort { $0.precedes($1) }
        let page = found.prefix(Int(filter.limit))
        return SchedulePage(
            views: page.map { scheduleView($0.number) },
            next: page.count < found.count ? page.last : nil,
            filter: filter
        )
    }
}
