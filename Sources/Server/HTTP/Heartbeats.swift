/// The streams of one loop that have been silent for so long that something is to be said on them: those that began
/// together are silent together.
final class Heartbeats {
    /// Sent in one turn: each takes 10 to 15 µs of the core.
    static let turnMax = 64

    private var due = PacedQueue<(connection: Connection, body: StreamBody)>()

    func add(_ connection: Connection, _ body: StreamBody) {
        guard !body.isHeartbeatDue else { return }
        body.isHeartbeatDue = true
        due.add((connection, body))
    }

    /// Sends some.
    /// - Returns: whether there are more.
    func run() -> Bool {
        guard !due.isEmpty else { return false }
        for (connection, body) in due.take(Self.turnMax) {
            body.isHeartbeatDue = false
            connection.sendHeartbeat(body)
        }
        return !due.isEmpty
    }
}
