import Engine

/// What a request asks for, once it has been read.
enum RoutedRequest: Sendable {
    /// One piece of work for the event's owner; its outcome is the answer.
    case submission(RoutedSubmission)
    /// A change that needs to know what is there: a question to the event's owner first, then a command.
    indirect case readThenWrite(ReadThenWrite)
    /// The tenant's events: no single event owns them.
    case listEvents(EventListing)
    /// What was sold, of one event or of all.
    case report(ReportRequest)
    /// Many commands, a line each; the lines are read when their turn comes.
    case batch(BatchRequest)
    /// What happened, read from the log.
    case feed(FeedReading)
    /// An event's stock, for as long as the client listens.
    case availabilityStream(AvailabilityStreamRequest)
    /// What happens, for as long as the client listens.
    case feedStream(FeedStreamRequest)
    case operation(Operation, ReplyContext)
    /// Refused before anybody was asked.
    indirect case problem(Problem, ReplyContext)
}

/// A `Submission` but for its tag, and what rendering its outcome needs.
struct RoutedSubmission: Sendable {
    var event: EventKey
    var work: Submission.Work
    var context: CommandContext
    var reply: ReplyContext
}

/// One page of the events of a tenant, in the order of their ids' bytes.
struct EventListing: Sendable {
    static let limitMax: UInt32 = 200

    var tenant: ShortText
    /// Its limit is 1 to `limitMax`.
    var filter: EventFilter
    var reply: ReplyContext
}

/// What is asked of the server itself.
enum Operation: Equatable, Sendable {
    case health, ready, metrics, openAPI, docs
}

/// Finds the event and the number of a section that a client names without its event.
protocol SectionLookup {
    /// - Returns: nil when the tenant has no such section.
    mutating func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)?
}
