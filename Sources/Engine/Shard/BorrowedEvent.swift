/// An event where it lies in its shard: what an outcome is rendered from, without a copy.
///
/// Valid until its shard is asked for something else: it changes nothing before that.
public struct BorrowedEvent {
    private let place: UnsafePointer<EventInventory>

    init(_ place: UnsafePointer<EventInventory>) { self.place = place }

    public var key: EventKey { place.pointee.key }
    public var id: ShortText { place.pointee.details.id }
    /// ISO 4217, three capital letters.
    public var currency: ShortText { place.pointee.details.currency }

    /// The id of a section of this event.
    /// - Precondition: the section exists.
    public func sectionID(_ number: SectionNumber) -> ShortText { place.pointee.sectionID(number) }

    /// The name of a numbered seat.
    /// - Precondition: the section has such a seat.
    public func seatName(_ section: SectionNumber, _ position: UInt32) -> ShortText {
        place.pointee.seatName(section, position)
    }

    /// The id of one of this event's schedules.
    /// - Precondition: the schedule exists.
    public func scheduleID(_ number: ScheduleNumber) -> ShortText { place.pointee.scheduleID(number) }

    public func scheduleNumber(id: ShortText) -> ScheduleNumber? { place.pointee.scheduleNumber(id: id) }

    /// A hold with its order; nil when it has ended and its slot has gone to another.
    public func hold(_ reference: HoldReference) -> HoldState? { place.pointee.hold(reference) }

    /// The id of a gate. It never changes.
    /// - Precondition: the event has such a gate.
    public func gateID(_ number: GateNumber) -> ShortText { place.pointee.gates[Int(number)].id }

    /// The answer to an earlier command with the same key; nil when the key is new.
    /// - Throws: `idempotencyKeyReused` when the key came with another payload.
    public func remembered(_ key: IdempotencyKey) throws(Rejection) -> Answer? {
        try place.pointee.remembered(key)
    }
}
