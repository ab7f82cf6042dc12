import Engine

/// What an answer may show of an event beside its own content: only what never changes, so that rendering the same
/// answer again gives the same bytes.
protocol EventConstants {
    var key: EventKey { get }
    var id: ShortText { get }
    /// ISO 4217, three capital letters.
    var currency: ShortText { get }
    func sectionID(_ number: SectionNumber) -> ShortText
    func seatName(_ section: SectionNumber, _ position: UInt32) -> ShortText
    func scheduleID(_ number: ScheduleNumber) -> ShortText
    func scheduleNumber(id: ShortText) -> ScheduleNumber?
}

extension EventInventory: EventConstants {
    var id: ShortText { details.id }
    var currency: ShortText { details.currency }
}

extension BorrowedEvent: EventConstants {}

/// Stands where no event is: for refusals that show nothing of one.
struct NoEvent: EventConstants {
    var key: EventKey { EventKey(rawValue: 0) }
    var id: ShortText { .empty }
    var currency: ShortText { .empty }
    func sectionID(_ number: SectionNumber) -> ShortText { .empty }
    func seatName(_ section: SectionNumber, _ position: UInt32) -> ShortText { .empty }
    func scheduleID(_ number: ScheduleNumber) -> ShortText { .empty }
    func scheduleNumber(id: ShortText) -> ScheduleNumber? { nil }
}
