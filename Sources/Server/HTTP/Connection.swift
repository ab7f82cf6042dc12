import NIOCore

/// One client's connection: bytes in, requests to the executor; answers, in any order, back out in the order of the
/// requests.
///
/// A connection is open, then finishing (nothing more is read, what is in flight is answered), then lingering (the
/// last answer is sent, input is thrown away so that the peer reads it rather than a reset), then closed.
// Sound because everything is touched on the channel's event loop only; other threads just pass the reference along.
final class Connection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let loop: LoopConnections
    private let executor: any RequestExecutor
    private let limits: ConnectionLimits
    private var context: ChannelHandlerContext?
    private var parser: RequestParser
    private var input = ByteBuffer()
    private var answers = AnswerQueue()
    private var isDirty = false
    private var isReading = true
    private var hasReadWaiting = false
    private var isLingering = false
    private var hasSentContinue = false
    private var isAdmitted = false
    /// The tick of the last progress, and of the first byte of the request that is incomplete.
    private var progressTick: Int64 = 0
    private var requestTick: Int64 = 0

    init(_ loop: LoopConnections) {
        self.loop = loop
        executor = loop.executor
        limits = loop.limits
        parser = RequestParser(limits: limits.request)
    }

    // MARK: - Answers

    /// Takes the answer to a request; it is sent with the next `flush`. Dropped when the connection is gone.
    func answer(_ sequence: UInt32, bytes: UnsafeRawBufferPointer) {
        guard context != nil else { return }
        answers.answer(sequence, bytes)
        if !isDirty {
            isDirty = true
            executor.dirtyConnections.append(self)
        }
    }

    /// Sends the answers that are due, with one write.
    func flush() {
        isDirty = false
        guard let context else { return }
        if answers.ready.readableBytes > 0 {
            var out = ByteBuffer()
            swap(&out, &answers.ready)
            progressTick = loop.tick
            context.writeAndFlush(wrapOutboundOut(out), promise: nil)
            // Written at once in the usual case: then the buffer is ours again, memory and all.
            out.clear(minimumCapacity: 0)
            if answers.ready.capacity == 0 { answers.ready = out }
        }
        checkUnsent()
        goOn()
    }

    private func checkUnsent() {
        if answers.earlyBytes + answers.ready.readableBytes > limits.unsentBytesMax { close() }
    }

    private func goOn() {
        guard context != nil else { return }
        if answers.isFinished { return linger() }
        updateReading()
        if isReading && input.readableBytes > 0 { readRequests() }
    }

    // MARK: - Ending

    /// Answers what is in flight, then closes.
    func drain() {
        guard context != nil else { return }
        answers.finish()
        if answers.isFinished { linger() }
    }

    /// Closes at once.
    func close() { context?.close(promise: nil) }

    private func linger() {
        guard let context, !isLingering else { return }
        isLingering = true
        progressTick = loop.tick
        input.clear()
        context.close(mode: .output, promise: nil)
        resumeReading()
    }

    private func refuse(_ rejection: HTTPRejection) {
        let sequence = answers.begin()
        answers.finish(after: sequence)
        input.clear()
        var writer = ResponseWriter(capacity: 512)
        let problem = ProblemDetails(
            status: rejection.status,
            code: rejection.code,
            title: rejection.reason.description,
            retryAfterSeconds: rejection.status == .serviceUnavailable ? 1 : nil
        )
        let requestId: StaticString = "req_unread"
        let range = requestId.withUTF8Buffer { writer.writeProblem(problem, requestId: UnsafeRawBufferPointer($0)) }
        writer.bytes.withBytes(in: range) { answer(sequence, bytes: $0) }
        executor.requestRefused(rejection, on: self)
    }

    /// Called once a tick of the loop's timer.
    func checkTimeouts() {
        let waited = loop.tick - progressTick
        if isLingering {
            if waited >= loop.ticks(limits.lingerTimeoutMs) { close() }
        } else if let context, !context.channel.isWritable {
            if waited >= loop.ticks(limits.writeStallTimeoutMs) { close() }
        } else if answers.inFlight > 0 {
            return
        } else if input.readableBytes > 0 {
            guard loop.tick - requestTick >= loop.ticks(limits.requestTimeoutMs) else { return }
            refuse(.timeout)
            executor.dirtyConnections.flushAll()
        } else if waited >= loop.ticks(limits.idleTimeoutMs) {
            close()
        }
    }
}

// MARK: - Channel events

extension Connection {
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        progressTick = loop.tick
        switch loop.add(self) {
        case .admitted: isAdmitted = true
        case .refused:
            refuse(.tooManyConnections)
            executor.dirtyConnections.flushAll()
        case .dropped: close()
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
        executor.connectionClosed(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isAdmitted, !isLingering, !answers.isFinishing else { return }
        var bytes = unwrapInboundIn(data)
        progressTick = loop.tick
        if input.readableBytes == 0 {
            requestTick = loop.tick
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        readRequests()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        executor.dirtyConnections.flushAll()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        if isLingering { return close() }
        // A peer that has said all it will may still read its answers.
        answers.finish()
        if answers.isFinished { close() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        progressTick = loop.tick
        goOn()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func read(context: ChannelHandlerContext) {
        if isReading { context.read() } else { hasReadWaiting = true }
    }
}

// MARK: - Reading

extension Connection {
    private func readRequests() {
        while isReading, !answers.isFinishing, input.readableBytes > 0 {
            let outcome = input.withUnsafeReadableBytes { parse($0) }
            switch outcome {
            case .needMore:
                sendContinue()
                return
            case .failure(let rejection): return refuse(rejection)
            case .request(_, let consumedBytes):
                input.moveReaderIndex(forwardBy: consumedBytes)
                hasSentContinue = false
                requestTick = loop.tick
            }
            updateReading()
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) -> RequestParser.Outcome {
        let outcome = parser.parse(bytes)
        guard case .request(let request, let consumedBytes) = outcome else { return outcome }
        let sequence = answers.begin()
        if !request.keepAlive { answers.finish(after: sequence) }
        let whole = UnsafeRawBufferPointer(rebasing: bytes[..<consumedBytes])
        executor.execute(request, bytes: whole, on: self, sequence: sequence)
        return outcome
    }

    /// Asks for a body that the peer holds back, once everything before is answered.
    private func sendContinue() {
        guard let context, parser.awaitsContinue, !hasSentContinue, answers.inFlight == 0 else { return }
        hasSentContinue = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
    }

    /// Reads on while there is room for more requests and the peer takes its answers.
    private func updateReading() {
        guard let context else { return }
        let hasRoom = answers.inFlight < limits.requestsInFlightMax && context.channel.isWritable
        if hasRoom { resumeReading() } else { isReading = false }
    }

    private func resumeReading() {
        isReading = true
        guard hasReadWaiting, let context else { return }
        hasReadWaiting = false
        context.read()
    }
}
