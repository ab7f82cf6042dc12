import Engine
import WAL

/// What the loops of listeners and the loops that own events tell each other. Between two loops it arrives in order.
enum AvailabilityMessage: Sendable {
    /// A loop wants to know of an event: its stock now, and each change from then on.
    case watch(AvailabilityWatch)
    case unwatch(AvailabilityWatch)
    /// An answer to `watch`, and what follows it. Durable.
    case news(AvailabilityNews)
}

/// One loop's wish to know of one event.
struct AvailabilityWatch: Equatable, Sendable {
    let event: EventKey
    let tenant: ShortText
    /// The loop that wants to know.
    let home: Int
    /// Another one each time that the loop begins to watch, so that what was meant for an earlier time is noticed.
    let number: UInt64
}

/// What an event's loop tells of its stock.
struct AvailabilityNews: Sendable {
    enum Content: Sendable {
        /// Every section of the event, by number.
        case state(event: ShortText, [SectionAvailability])
        /// The sections that were changed or added since the news before.
        case changes([SectionAvailability])
        /// The tenant has no such event.
        case noEvent
    }

    let watch: AvailabilityWatch
    let content: Content
    /// The content is what was there when everything up to this position had happened, and nothing behind it.
    let position: LogPosition
}
