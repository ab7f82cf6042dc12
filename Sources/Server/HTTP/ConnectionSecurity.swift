import Loop

/// What makes the connections of a server encrypted.
protocol ConnectionSecurity: Sendable {
    /// For the connections of one loop; called on it.
    func onLoop(_ eventLoop: RingLoop) -> any LoopSecurity

    var figures: SecurityFigures { get }
}

/// What an operator wants to know of the encryption.
struct SecurityFigures: Equatable, Sendable {
    var handshakes: UInt64
    /// Handshakes and connections that went wrong, clients that didn't encrypt among them.
    var failures: UInt64
    /// Until the server's certificate has expired; below zero when it has.
    var certificateSecondsLeft: Int64
}

/// The encryption of one loop's connections. Everything is called on the loop.
protocol LoopSecurity: AnyObject {
    /// The stream of a new connection.
    func secure(_ socket: SocketStream) -> any ByteStream

    /// Everything of the turn has been received, and nothing of it is answered yet.
    func endTurn()
}
