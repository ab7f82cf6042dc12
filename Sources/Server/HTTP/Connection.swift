import NIOCore

/// One client's connection: bytes in, requests to the executor, answers out in the order of the requests.
///
///     open → finishing (no more requests; the answers in flight) → sending (the channel has all answers) → lingering
///     (all sent; reads on for a moment, so that the peer is not reset while it reads the last answer) → closed
///
/// A request that lies whole in the bytes just read is executed where it lies; only the rest of one that does not
/// is copied. While too many requests wait, or the peer does not read its answers, nothing more is read.
// Sound because every method is called on the channel's event loop, most of them by the channel itself; other
// threads only pass the reference along.
final class Connection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase { case open, finishing, sending, lingering, closed }

    private let loop: LoopConnections
    private var context: ChannelHandlerContext?
    private var phase = Phase.open
    private var parser: RequestParser
    /// The beginning of a request whose rest has not come yet, or requests that have to wait.
    private var unread = ByteBuffer()
    private var answers = AnswerQueue()

    /// In the list of connections to be flushed, or about to flush itself.
    private var isDirty = false
    /// Reading: what is answered meanwhile is flushed at the end of the read.
    private var isExecuting = false
    private var isHeldBack = false
    /// The memory of a large request, from its head on until its answer is sent.
    private var lease: LargeRequestBudget.Lease?
    /// The large request that is not answered yet: nothing behind it is executed meanwhile.
    private var leasedSequence: UInt32?
    private var isReadPending = false
    private var isWriting = false
    private var isResumeScheduled = false
    private var inputIsClosed = false
    private var hasSentContinue = false

    private var activeTick: Int64
    /// Since when a request has been arriving.
    private var requestBeganTick: Int64?
    /// What the peer had left unread in this tick, for telling a slow one from one that does not read at all.
    private var stall = (unsentBytes: 0, tick: Int64(0))
    private var lingerTick: Int64 = 0

    init(loop: LoopConnections) {
        self.loop = loop
        parser = RequestParser(limits: loop.limits.request)
        activeTick = loop.tick
    }

    var eventLoop: any EventLoop { loop.eventLoop }
    var remoteAddress: SocketAddress? { context?.remoteAddress }
    var isClosed: Bool { phase == .closed }
}

// MARK: - For the executor

extension Connection {
    /// Answers a request. Copies the bytes; `flush` sends them once all earlier requests are answered.
    /// - Parameters:
    ///   - bytes: a whole response.
    ///   - close: the connection says `Connection: close` with this answer, and drops the requests behind it.
    func answer(_ sequence: UInt32, _ bytes: UnsafeRawBufferPointer, close: Bool = false) {
        loop.eventLoop.assertInEventLoop()
        guard phase == .open || phase == .finishing else { return }
        if close { finish(after: sequence) }
        answers.answer(sequence, bytes)
        if sequence == leasedSequence { leasedSequence = nil }
        guard !isDirty else { return }
        isDirty = true
        if !isExecuting { loop.executor.dirtyConnections.append(self) }
    }

    /// Sends what is answered in order. Costs next to nothing where nothing is.
    func flush() {
        isDirty = false
        guard phase == .open || phase == .finishing, let context else { return }
        if answers.ready.readableBytes > 0, context.channel.isWritable { write(to: context) }
        guard phase == .open || phase == .finishing else { return }
        guard answers.ready.readableBytes + answers.earlyBytes <= loop.limits.unsentBytesMax else { return close() }
        releaseLeaseIfSent(context)
        if answers.isFinished, answers.ready.readableBytes == 0 { return send() }
        sendContinueIfDue()
        if isHeldBack, !mustHoldBack { scheduleResume() }
    }

    /// Sets room aside for a request whose body or answer is large, and executes nothing behind it until it is
    /// answered. To be called while it is executed.
    /// - Parameter bytes: of the body and, as far as that can be told, of the answer.
    /// - Returns: false when the loop's large requests take as much as they may: the request is to be refused.
    func setAside(_ bytes: Int, for sequence: UInt32) -> Bool {
        guard takeLease(bytes) else { return false }
        leasedSequence = sequence
        return true
    }

    private func takeLease(_ bytes: Int) -> Bool {
        if let lease { return lease.grow(to: bytes) }
        lease = loop.largeRequests.lease(bytes)
        return lease != nil
    }

    private func releaseLeaseIfSent(_ context: ChannelHandlerContext) {
        guard lease != nil, leasedSequence == nil, requestBeganTick == nil else { return }
        if answers.ready.readableBytes == 0, context.channel.isWritable { lease = nil }
    }

    /// The write may fail or change the writability before it returns; both come back into this class.
    private func write(to context: ChannelHandlerContext) {
        guard !isWriting else { return }
        isWriting = true
        activeTick = loop.tick
        context.writeAndFlush(wrapOutboundOut(answers.ready), promise: nil)
        answers.releaseReady()
        isWriting = false
    }

    /// Answers what is in flight, the last with `Connection: close`, and closes. A request half received is dropped.
    func drain() {
        loop.eventLoop.assertInEventLoop()
        guard phase == .open else { return }
        phase = .finishing
        answers.finish()
        dropUnread()
        flush()
    }

    /// Closes at once, answered or not.
    func close() { context?.close(promise: nil) }

    private func finish(after sequence: UInt32) {
        if phase == .open { phase = .finishing }
        answers.finish(after: sequence)
        dropUnread()
    }

    private func dropUnread() {
        requestBeganTick = nil
        unread = ByteBuffer()
        release()
    }
}

// MARK: - Requests

extension Connection {
    private var mustHoldBack: Bool {
        leasedSequence != nil || answers.inFlight >= loop.limits.requestsInFlightMax
            || answers.ready.readableBytes + answers.earlyBytes >= loop.limits.unsentBytesPause
            || context?.channel.isWritable != true
    }

    /// Executes the requests that are complete, and returns how many bytes they were.
    private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while phase == .open, offset < bytes.count {
            if mustHoldBack {
                isHeldBack = true
                return offset
            }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch parser.parse(rest) {
            case .needMore:
                waitForMore(receivedBytes: rest.count)
                return offset
            case .request(let request, let consumedBytes):
                offset += consumedBytes
                begin(request, UnsafeRawBufferPointer(rebasing: rest[..<consumedBytes]))
            case .failure(let rejection):
                refuse(rejection)
            }
        }
        return phase == .open ? offset : bytes.count
    }

    private func begin(_ request: HTTPRequest, _ bytes: UnsafeRawBufferPointer) {
        requestBeganTick = nil
        hasSentContinue = false
        let sequence = answers.begin()
        if !request.keepAlive { finish(after: sequence) }
        loop.executor.execute(request, bytes: bytes, on: self, sequence: sequence)
    }

    private func waitForMore(receivedBytes: Int) {
        if requestBeganTick == nil { requestBeganTick = loop.tick }
        if let bodyBytes = parser.largeBodyBytes, !takeLease(bodyBytes) { return refuse(.tooManyLargeRequests) }
        // A client that has begun to send the body does not wait for a leave to do so.
        if parser.awaitsContinue, receivedBytes > parser.bodyStart { hasSentContinue = true }
        sendContinueIfDue()
    }

    /// `100 Continue` belongs behind the answers to all earlier requests.
    private func sendContinueIfDue() {
        guard phase == .open, parser.awaitsContinue, !hasSentContinue, answers.inFlight == 0,
            answers.ready.readableBytes == 0, let context
        else { return }
        hasSentContinue = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
    }

    /// Answers in place of the executor, after all requests before, and closes.
    private func refuse(_ rejection: HTTPRejection) {
        let sequence = answers.begin()
        finish(after: sequence)
        let response = rejection.response(requestId: "req_" + String(UInt64.random(in: .min ... .max), radix: 16))
        response.bytes.withBytes { answer(sequence, $0, close: true) }
        loop.executor.requestRefused(rejection, on: self)
    }

    private func consumeUnread() {
        // Taken out for the time of reading: the executor may close the connection meanwhile.
        var bytes = unread
        unread = ByteBuffer()
        let consumedBytes = bytes.withUnsafeReadableBytes { consume($0) }
        bytes.moveReaderIndex(forwardBy: consumedBytes)
        guard phase == .open, bytes.readableBytes > 0 else { return }
        bytes.discardReadBytes()
        unread = bytes
    }
}

// MARK: - Backpressure

extension Connection {
    func read(context: ChannelHandlerContext) {
        if isHeldBack { isReadPending = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !isWriting { flush() }
    }

    /// In a turn of its own: `flush` may be called by an executor that is not prepared for requests.
    private func scheduleResume() {
        guard !isResumeScheduled else { return }
        isResumeScheduled = true
        loop.eventLoop.execute { self.resume() }
    }

    private func resume() {
        isResumeScheduled = false
        guard phase == .open, isHeldBack, !mustHoldBack else { return }
        isHeldBack = false
        if requestBeganTick != nil { requestBeganTick = loop.tick }
        isExecuting = true
        consumeUnread()
        isExecuting = false
        if isDirty { flush() }
        if !isHeldBack { release() }
        closeIfInputEnded()
    }

    /// Reads on.
    private func release() {
        isHeldBack = false
        guard isReadPending else { return }
        isReadPending = false
        context?.read()
    }
}

// MARK: - The channel

extension Connection {
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        switch loop.add(self) {
        case .admitted: break
        case .dropped: close()
        case .refused:
            refuse(.tooManyConnections)
            flush()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        isExecuting = true
        var bytes = unwrapInboundIn(data)
        if unread.readableBytes > 0 || isHeldBack {
            unread.writeBuffer(&bytes)
            if !isHeldBack { consumeUnread() }
            return
        }
        let consumedBytes = bytes.withUnsafeReadableBytes { consume($0) }
        guard phase == .open, consumedBytes < bytes.readableBytes else { return }
        bytes.moveReaderIndex(forwardBy: consumedBytes)
        unread.writeBuffer(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isExecuting = false
        if isDirty { flush() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        inputIsClosed = true
        closeIfInputEnded()
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        dropUnread()
        loop.remove(self)
        loop.executor.connectionClosed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    /// A peer that has shut its side down still gets the answers to what it has sent whole.
    private func closeIfInputEnded() {
        guard inputIsClosed else { return }
        if phase == .lingering { return close() }
        if !isHeldBack { drain() }
    }

    /// The last answer is with the channel: an empty write behind it tells when it has been sent.
    private func send() {
        guard let context else { return }
        phase = .sending
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in self.linger() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: sent)
    }

    private func linger() {
        guard phase == .sending else { return }
        phase = .lingering
        lingerTick = loop.tick
        if inputIsClosed { return close() }
        context?.close(mode: .output, promise: nil)
        release()
    }
}

// MARK: - Time

extension Connection {
    /// Called once a tick.
    func checkTimeouts() {
        let limits = loop.limits
        if phase == .lingering {
            if loop.tick - lingerTick >= loop.ticks(limits.lingerTimeoutMs) { close() }
        } else if isStalled {
            close()
        } else if let requestBeganTick, !isHeldBack {
            guard loop.tick - requestBeganTick >= loop.ticks(limits.requestTimeoutMs) else { return }
            refuse(.timeout)
            flush()
        } else if answers.inFlight == 0, loop.tick - activeTick >= loop.ticks(limits.idleTimeoutMs) {
            close()
        }
    }

    /// Whether the peer has not read a byte of what waits for it, for too long.
    private var isStalled: Bool {
        let unsentBytes = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if unsentBytes == 0 || unsentBytes != stall.unsentBytes { stall = (unsentBytes, loop.tick) }
        return loop.tick - stall.tick >= loop.ticks(loop.limits.writeStallTimeoutMs)
    }
}

extension HTTPRejection {
    fileprivate func response(requestId: String) -> ResponseWriter {
        var problem = ProblemDetails(status: status, code: code, title: status.phrase, detail: reason.description)
        if status == .serviceUnavailable { problem.retryAfterSeconds = 1 }
        var writer = ResponseWriter(capacity: 512)
        var requestId = requestId
        _ = requestId.withUTF8 { writer.writeProblem(problem, requestId: UnsafeRawBufferPointer($0)) }
        return writer
    }
}
