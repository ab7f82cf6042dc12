/// The stock of one event.
public struct EventInventory: Sendable {
    public let tenant: ShortText
    public let key: EventKey
    public internal(set) var details: EventDetails

    /// The id of a section of this event.
    public func sectionID(_ number: SectionNumber) -> ShortText { .empty }
}
