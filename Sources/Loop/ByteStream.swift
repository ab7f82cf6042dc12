/// The bytes of a connection: those of its socket, or what is encrypted on the way to it. Everything is called on its loop.
package protocol ByteStream: AnyObject {
    /// Begins to receive. The stream keeps its handler until `closed`.
    func open(_ handler: any StreamHandler)

    func startReceiving()

    /// Lets the peer wait. What is on its way to the handler already still comes.
    func stopReceiving()

    /// - Parameter bytes: not empty; stay as they are until `sent` or `closed`.
    func send(_ bytes: UnsafeRawBufferPointer)

    /// Bytes of the last `send` that the kernel has not taken yet.
    var unsentBytes: Int { get }
    var isSending: Bool { get }

    /// The peer gets an end of file behind what was sent. Not while something is being sent.
    func endSending()

    /// Ends everything; `closed` comes when the kernel has let go.
    func close()

    /// For a stream: the kernel keeps little for a peer that reads slowly, and says when it acknowledges nothing any more.
    func keepLittle(sendBufferBytes: Int32, peerTimeoutMilliseconds: Int32)

    /// Whether bytes can pass in both directions: not before a handshake is done.
    var isReady: Bool { get }

    /// The other end's IP address, the first and the last eight bytes of it; one of IPv4 as IPv6 has it (`::ffff:…`).
    /// - Returns: nil when the connection is gone, or is none of IP.
    func peerAddress() -> (high: UInt64, low: UInt64)?
}

/// Why nothing the peer sends is received any more.
package enum StreamFailure {
    /// It doesn't encrypt where it should. What is sent from now on goes out as it is: a word about that, and nothing else.
    case notEncrypted
    /// What it has sent is broken, or forged. Nothing can be sent any more; the stream is to be closed when the peer has had
    /// time to hear why.
    case broken
}

extension StreamHandler {
    /// For handlers of sockets, which don't fail but close.
    package func failed(_ failure: StreamFailure) {}
}
