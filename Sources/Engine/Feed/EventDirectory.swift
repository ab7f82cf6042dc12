import Synchronization

/// Whose event a number stands for. A record names its event by number only; who reads the log asks here.
///
/// An event is entered before its first record is in the log, and never taken out.
public final class EventDirectory: Sendable {
    public struct Place: Equatable, Sendable {
        public let tenant: ShortText
        public let id: ShortText
    }

    private let places = Mutex<[EventKey: Place]>([:])

    func publish(_ event: EventKey, _ tenant: ShortText, _ id: ShortText) {
        places.withLock { $0[event] = Place(tenant: tenant, id: id) }
    }

    public func find(_ event: EventKey) -> Place? { places.withLock { $0[event] } }
}
