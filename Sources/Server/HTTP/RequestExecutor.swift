/// Where a connection hands its requests: what runs a loop's routes.
///
/// Everything here is called on the connection's loop.
protocol RequestExecutor: AnyObject {
    /// Where the loop's connections count what they answer. Asked for once.
    var traffic: HTTPTraffic { get }

    /// Takes a request. The answer comes now or later, by `connection.answer` with the same sequence, exactly once.
    /// - Parameters:
    ///   - bytes: what the request's ranges point into; valid during the call.
    ///   - sequence: the request's number on its connection.
    func execute(
        _ request: HTTPRequest,
        bytes: UnsafeRawBufferPointer,
        on connection: Connection,
        sequence: UInt32
    )

    /// All requests of the turn are here. What is answered now, is sent with this turn.
    func endTurn()

    /// A request was refused by the parser or the clock, and already answered. For counting.
    func requestRefused(_ rejection: HTTPRejection, on connection: Connection)

    /// The connection is gone; answers to it are dropped from here on.
    func connectionClosed(_ connection: Connection)
}

extension RequestExecutor {
    var traffic: HTTPTraffic { HTTPTraffic() }
    func endTurn() {}
    func requestRefused(_ rejection: HTTPRejection, on connection: Connection) {}
    func connectionClosed(_ connection: Connection) {}
}

/// The connections of one loop that hold answers not yet sent.
final class DirtyConnections {
    private var connections: [Connection] = []

    func append(_ connection: Connection) { connections.append(connection) }

    /// Sends the gathered answers, with one write per connection.
    func flushAll() {
        var index = 0
        while index < connections.count {
            connections[index].flush()
            index += 1
        }
        connections.removeAll(keepingCapacity: true)
    }
}
