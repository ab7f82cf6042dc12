import NIOCore
import NIOSSL

/// The least of a NIO channel that swift-nio-ssl's handler needs: a pipeline with that handler and the stream in it, both
/// ends of which are the stream. It has no socket and no timer; its event loop is the stream's.
// Sound because everything is called on the loop of the stream; the protocol asks for more than is used.
final class TLSChannel: Channel, ChannelCore, @unchecked Sendable {
    let eventLoop: any EventLoop
    let allocator = ByteBufferAllocator()
    // Implicitly unwrapped because it is made from the channel; it refers to it until its handlers are removed.
    private var madePipeline: ChannelPipeline!
    private(set) var isActive = true
    private unowned let stream: TLSStream
    private let closing: EventLoopPromise<Void>

    /// Begins the server's part of a handshake, which waits for the client.
    init(_ stream: TLSStream, context: NIOSSLContext, eventLoop: any EventLoop) throws {
        self.stream = stream
        self.eventLoop = eventLoop
        closing = eventLoop.makePromise()
        madePipeline = ChannelPipeline(channel: self)
        do {
            try pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), stream])
        } catch {
            end()
            throw error
        }
    }

    /// Bytes that came from the socket.
    func receive(_ bytes: ByteBuffer) {
        pipeline.syncOperations.fireChannelRead(NIOAny(bytes))
        pipeline.syncOperations.fireChannelReadComplete()
    }

    func encrypt(_ bytes: ByteBuffer) { pipeline.syncOperations.writeAndFlush(NIOAny(bytes), promise: nil) }

    /// Makes the message that says that nothing more comes (`close_notify`).
    func endOutput() { pipeline.syncOperations.close(mode: .output, promise: nil) }

    /// Lets go of the handlers. Not from within a call of theirs.
    func end() {
        guard isActive else { return }
        isActive = false
        pipeline.syncOperations.fireChannelInactive()
        removeHandlers(pipeline: pipeline)
        closing.succeed()
    }

    // MARK: - What comes out of the pipeline's end

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isActive { stream.encrypted(unwrapData(data, as: ByteBuffer.self)) }
        promise?.succeed()
    }

    func flush0() {}

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isActive, mode == .all { stream.channelGaveUp() }
        promise?.succeed()
    }

    // MARK: - What the protocols ask for beside that

    var pipeline: ChannelPipeline { madePipeline }
    var _channelCore: any ChannelCore { self }
    var closeFuture: EventLoopFuture<Void> { closing.futureResult }
    var localAddress: SocketAddress? { nil }
    var remoteAddress: SocketAddress? { nil }
    var parent: (any Channel)? { nil }
    var isWritable: Bool { true }
    var syncOptions: (any NIOSynchronousChannelOptions)? { Options() }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        eventLoop.makeCompletedFuture { try Options().getOption(option) }
    }

    func localAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func remoteAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func register0(promise: EventLoopPromise<Void>?) { refuse(promise) }
    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { refuse(promise) }
    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) { refuse(promise) }
    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) { refuse(promise) }
    func read0() {}
    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) { refuse(promise) }
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}

    private func refuse(_ promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }

    private struct Options: NIOSynchronousChannelOptions {
        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            throw ChannelError.operationUnsupported
        }

        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            // A client that has nothing more to ask still gets its answers.
            if option is ChannelOptions.Types.AllowRemoteHalfClosureOption { return true as! Option.Value }
            if option is ChannelOptions.Types.AutoReadOption { return true as! Option.Value }
            throw ChannelError.operationUnsupported
        }
    }
}
