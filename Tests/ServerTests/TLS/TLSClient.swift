import NIOCore
import NIOEmbedded
import NIOSSL
import NIOTLS

/// The blocking client, encrypted. To be used by one thread.
final class TLSClient: LoopbackClient {
    struct Terms {
        /// What it trusts, a file in PEM.
        var root: String
        var versions: ClosedRange<Int> = 12...13
        /// How many bytes it sends at a time while it shakes hands; nil for as many as there are.
        var handshakePieceBytes: Int?
        var receiveBufferBytes: Int32?
        var protocols = ["h2", "http/1.1"]
    }

    private let channel: EmbeddedChannel
    /// The server has said that nothing more comes.
    private(set) var hasCloseNotify = false
    private let pieceBytes: Int?

    init(port: Int, _ terms: Terms) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(terms.root)
        configuration.minimumTLSVersion = Self.version(terms.versions.lowerBound)
        configuration.maximumTLSVersion = Self.version(terms.versions.upperBound)
        configuration.applicationProtocols = terms.protocols
        let context = try NIOSSLContext(configuration: configuration)
        channel = EmbeddedChannel()
        pieceBytes = terms.handshakePieceBytes
        try super.init(port: port, receiveBufferBytes: terms.receiveBufferBytes)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        try channel.connect(to: address).wait()
        let handler = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
        try channel.pipeline.syncOperations.addHandlers([HalfOpen(), handler])
        try channel.pipeline.syncOperations.addHandler(CloseNotice { [weak self] in self?.hasCloseNotify = true })
        while handler.tlsVersion == nil || !isEstablished {
            try flush(pieceBytes: pieceBytes)
            guard try take() else { throw Failure(call: "closed within the handshake") }
        }
        try flush(pieceBytes: pieceBytes)
    }

    private var isEstablished: Bool {
        (try? channel.pipeline.syncOperations.handler(type: CloseNotice.self))?.isEstablished ?? false
    }

    /// What both sides speak; nil where they have not agreed.
    var negotiatedProtocol: String? {
        (try? channel.pipeline.syncOperations.handler(type: CloseNotice.self))?.negotiatedProtocol
    }

    /// The server's certificate.
    var serverCertificate: [UInt8] {
        get throws {
            let handler = try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
            return try handler.peerCertificate?.toDERBytes() ?? []
        }
    }

    override func send(_ text: String) throws {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        try flush()
    }

    override func receiveMore() throws -> Bool {
        let before = received.count
        while received.count == before {
            guard try take() else { return false }
        }
        return true
    }

    /// Says that nothing more comes, and leaves the socket as it is.
    func sendCloseNotify() throws {
        channel.pipeline.syncOperations.close(mode: .output, promise: nil)
        try flush()
    }

    /// What the text is as ciphertext, which is not sent.
    func encrypt(_ text: String) throws -> [UInt8] {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        return try takeCiphertext()
    }

    private func takeCiphertext() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += Array(buffer: buffer) }
        return bytes
    }

    private func flush(pieceBytes: Int? = nil) throws {
        let bytes = try takeCiphertext()
        guard let pieceBytes else { return try sendBytes(bytes) }
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            try sendBytes(Array(bytes[start..<min(bytes.count, start + pieceBytes)]))
        }
    }

    /// - Returns: false when nothing more comes.
    private func take() throws -> Bool {
        let bytes = try receiveBytes()
        guard !bytes.isEmpty else { return false }
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        while let buffer = try channel.readInbound(as: ByteBuffer.self) { received += Array(buffer: buffer) }
        // The handshake goes on, or the end is answered; the server may be gone by then.
        try? flush(pieceBytes: isEstablished ? nil : pieceBytes)
        return true
    }

    private static func version(_ number: Int) -> TLSVersion {
        switch number {
        case 10: .tlsv1
        case 11: .tlsv11
        case 12: .tlsv12
        default: .tlsv13
        }
    }
}

/// The embedded channel can't be closed for one direction only; so it isn't.
private final class HalfOpen: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
    }
}

/// Hears what the client's handler tells of the connection.
private final class CloseNotice: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let closed: () -> Void
    private(set) var isEstablished = false
    private(set) var negotiatedProtocol: String?

    init(_ closed: @escaping () -> Void) { self.closed = closed }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let name):
            isEstablished = true
            negotiatedProtocol = name
        case TLSUserEvent.shutdownCompleted: closed()
        default: break
        }
    }
}
