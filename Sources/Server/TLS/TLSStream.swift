import Loop
import NIOCore
import NIOSSL
import NIOTLS

/// TLS between a socket and a connection: ciphertext from the one, plaintext to the other, and back.
///
///     silent (not a byte yet) → handshaking → established → failed (an alert is sent; what comes is dropped)
///       ↘ plain (HTTP where TLS was due: one refusal goes out as it is)
///
/// The protocol is swift-nio-ssl's (`TLSChannel`); here is what bounds it. An answer is encrypted a few records ahead of the
/// socket and no further, steps of handshakes wait for their turn (`TLSHandshakes`), and a silent connection has nothing yet.
// Sound because every method is called on the stream's loop; other threads only pass the reference along.
final class TLSStream: @unchecked Sendable {
    private enum Phase { case silent, handshaking, established, plain, failed }

    /// Plaintext of a record: with what encryption adds it fits the 16 KiB that the handler keeps for it.
    private static let recordBytes = 16_000
    /// Ciphertext that waits for the socket; from there on nothing more is encrypted.
    private static let ciphertextBytesPause = 48 * 1_024
    /// Bytes that wait for a step of the handshake; from there on nothing more is received.
    private static let waitingBytesPause = 16 * 1_024
    private static let pieceBytes = 4_096

    private let socket: SocketStream
    private let handshakes: TLSHandshakes
    private var handler: (any StreamHandler)?
    private var channel: TLSChannel?
    private var phase = Phase.silent
    private var isClosing = false
    private var wantsToReceive = true

    /// What has come during the handshake, for the next step, and whether nothing comes after it.
    private var waiting = ByteBuffer()
    private var isQueued = false
    private var socketHasEnded = false
    /// Whether the handler has been told that nothing more comes.
    private var inputHasEnded = false

    /// Of what is being sent: the bytes that are not encrypted yet.
    private var plaintext = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var isSending = false
    /// What is encrypted and not with the socket, and what is.
    private var ciphertext = ByteBuffer()
    private var inSocket = ByteBuffer()
    private var outputHasEnded = false
    private var hasEndedSocket = false
    private var channelHasGivenUp = false

    init(_ socket: SocketStream, _ handshakes: TLSHandshakes) {
        self.socket = socket
        self.handshakes = handshakes
    }
}

// MARK: - For the connection

extension TLSStream: ByteStream {
    func open(_ handler: any StreamHandler) {
        self.handler = handler
        socket.open(self)
    }

    var isReady: Bool { phase != .silent && phase != .handshaking }

    func peerAddress() -> (high: UInt64, low: UInt64)? { socket.peerAddress() }

    func startReceiving() {
        wantsToReceive = true
        receiveIfThereIsRoom()
    }

    func stopReceiving() {
        wantsToReceive = false
        socket.stopReceiving()
    }

    func keepLittle(sendBufferBytes: Int32, peerTimeoutMilliseconds: Int32) {
        socket.keepLittle(sendBufferBytes: sendBufferBytes, peerTimeoutMilliseconds: peerTimeoutMilliseconds)
    }

    var unsentBytes: Int { plaintext.count + ciphertext.readableBytes + socket.unsentBytes }

    func send(_ bytes: UnsafeRawBufferPointer) {
        precondition(!isSending, "a second send before the first is done")
        isSending = true
        if phase == .plain { return socket.send(bytes) }
        plaintext = bytes
        goOn()
    }

    func endSending() {
        switch phase {
        case .plain: socket.endSending()
        case .established:
            endOutput()
            goOn()
        // There is nobody to whom it could be said yet.
        case .silent, .handshaking, .failed: close()
        }
    }

    func close() {
        guard !isClosing else { return }
        if phase == .established, !isSending, !socket.isSending {
            endOutput()
            ciphertext.withUnsafeReadableBytes { socket.sendAtOnce($0) }
        }
        isClosing = true
        socket.close()
    }

    private func endOutput() {
        guard !outputHasEnded else { return }
        outputHasEnded = true
        channel?.endOutput()
    }
}

// MARK: - From the socket

extension TLSStream: StreamHandler {
    func received(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .silent:
            if Self.isHTTP(bytes) { return refuse() }
            phase = .handshaking
            wait(bytes)
        case .handshaking: wait(bytes)
        case .established: decrypt(handshakes.wrapIncoming(bytes))
        case .plain, .failed: break
        }
    }

    func receiveEnded() {
        socketHasEnded = true
        if isQueued { return }
        if phase == .silent || phase == .handshaking { return close() }
        endInput()
    }

    func sent() {
        inSocket = ByteBuffer()
        if phase == .plain {
            isSending = false
            handler?.sent()
        } else {
            goOn()
        }
    }

    func closed() {
        isClosing = true
        if let channel {
            self.channel = nil
            // In a turn of its own: this may be within a call of its handlers.
            handshakes.eventLoop.submit { channel.end() }
        }
        let handler = handler
        self.handler = nil
        handler?.closed()
    }

    /// Every method begins with a capital letter, and no record of TLS does.
    private static func isHTTP(_ bytes: UnsafeRawBufferPointer) -> Bool {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= bytes[0]
    }

    private func refuse() {
        phase = .plain
        handshakes.identity.countFailure()
        handler?.failed(.notEncrypted)
    }

    private func endInput() {
        if inputHasEnded && phase != .failed { return }
        inputHasEnded = true
        handler?.receiveEnded()
    }

    private func receiveIfThereIsRoom() {
        if wantsToReceive, waiting.readableBytes < Self.waitingBytesPause {
            socket.startReceiving()
        } else {
            socket.stopReceiving()
        }
    }
}

// MARK: - Handshake

extension TLSStream {
    private func wait(_ bytes: UnsafeRawBufferPointer) {
        waiting.writeBytes(bytes)
        receiveIfThereIsRoom()
        guard !isQueued else { return }
        isQueued = true
        handshakes.add(self)
    }

    /// Goes on with what has come.
    func takeStep() {
        isQueued = false
        var bytes = waiting
        waiting = ByteBuffer()
        guard !isClosing else { return }
        if channel == nil {
            let (context, loop) = (handshakes.identity.context, handshakes.eventLoop)
            guard let begun = try? TLSChannel(self, context: context, eventLoop: loop) else { return close() }
            channel = begun
        }
        // In pieces as they come from the socket: the handler keeps room for what it gets at once.
        while let piece = bytes.readSlice(length: min(bytes.readableBytes, Self.pieceBytes)), piece.readableBytes > 0 {
            decrypt(piece)
        }
        guard !isClosing else { return }
        if socketHasEnded { return receiveEnded() }
        receiveIfThereIsRoom()
    }
}

// MARK: - In between

extension TLSStream {
    private func decrypt(_ bytes: ByteBuffer) {
        // What comes behind the peer's own end means nothing.
        guard !inputHasEnded, !channelHasGivenUp else { return }
        channel?.receive(bytes)
        goOn()
    }

    /// Sends what there is to be sent: what is encrypted first, then more of the plaintext.
    private func goOn() {
        guard !isClosing else { return }
        encrypt()
        if channelHasGivenUp, phase != .failed, !(inputHasEnded && outputHasEnded) { fail() }
        guard !isClosing, !socket.isSending else { return }
        if ciphertext.readableBytes > 0 { return transmit() }
        if isSending, plaintext.isEmpty, phase == .established {
            isSending = false
            handler?.sent()
        } else if outputHasEnded, !hasEndedSocket {
            hasEndedSocket = true
            socket.endSending()
        }
    }

    private func encrypt() {
        guard phase == .established, let channel else { return }
        while !plaintext.isEmpty, ciphertext.readableBytes < Self.ciphertextBytesPause, !channelHasGivenUp {
            let record = UnsafeRawBufferPointer(rebasing: plaintext.prefix(Self.recordBytes))
            plaintext = UnsafeRawBufferPointer(rebasing: plaintext[record.count...])
            channel.encrypt(handshakes.wrapOutgoing(record))
        }
    }

    private func transmit() {
        inSocket = ciphertext
        ciphertext = ByteBuffer()
        // `inSocket` holds the memory until the socket is done with it, and whoever else has the buffer copies it before
        // writing.
        inSocket.withUnsafeReadableBytesWithStorageManagement { bytes, _ in socket.send(bytes) }
    }

    private func fail() {
        handshakes.identity.countFailure()
        phase = .failed
        plaintext = UnsafeRawBufferPointer(start: nil, count: 0)
        // The alert goes out, then the end; what still comes is read, or a reset would take the alert away.
        outputHasEnded = true
        handler?.failed(.broken)
        if socketHasEnded { endInput() }
    }

    /// The channel has something for the socket.
    func encrypted(_ bytes: ByteBuffer) {
        guard !isClosing else { return }
        var bytes = bytes
        if ciphertext.readableBytes == 0 { ciphertext = bytes } else { ciphertext.writeBuffer(&bytes) }
    }

    /// The channel can't go on, or both sides have said that nothing more comes.
    func channelGaveUp() { channelHasGivenUp = true }
}

// MARK: - From the channel

extension TLSStream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing, !inputHasEnded else { return }
        unwrapInboundIn(data).withUnsafeReadableBytes { handler?.received($0) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !isClosing else { return }
        switch event {
        case TLSUserEvent.handshakeCompleted:
            phase = .established
            handshakes.identity.countHandshake()
        case ChannelEvent.inputClosed: endInput()
        default: break
        }
    }

    /// What can't go on, the channel gives up.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
