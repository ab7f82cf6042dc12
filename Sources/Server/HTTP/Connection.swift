import Engine
import Loop

/// One client's connection: bytes in, requests to the executor, answers out in the order of the requests.
///
///     open → finishing (no more requests; the answers in flight) → lingering (all sent; reads on for a moment, so that
///     the peer is not reset while it reads the last answer) → closed
///
/// A request that lies whole in the bytes just read is executed where it lies; only the rest of one that does not
/// is copied. While too many requests wait, or the peer does not read its answers, nothing more is read.
// Sound because every method is called on the connection's loop; other threads only pass the reference along.
final class Connection: StreamHandler, @unchecked Sendable {
    private enum Phase { case open, finishing, lingering, closed }

    /// Memory for answers that a connection keeps between requests, in bytes.
    private static let keptAnswerBytesMax = 8 * 1024
    /// What is set aside for a large body at least.
    private static let largeBodyBytesFirst = 32 * 1024

    let loop: LoopConnections
    let stream: any ByteStream
    private var phase = Phase.open
    private var parser: RequestParser
    /// The beginning of a request whose rest has not come yet, or requests that have to wait.
    private var unread: [UInt8] = []
    private var answers = AnswerQueue()
    /// Of the requests without an answer.
    private var marks = RequestMarks()
    /// What the stream is sending.
    private var sending = ByteWriter(capacity: 64)
    /// Of the last answer, where that one goes on.
    var body: StreamBody?

    /// In the list of connections to be flushed.
    private var isDirty = false
    private var isHeldBack = false
    /// The memory of a large request, from its head on until its answer is sent.
    private var lease: LargeRequestBudget.Lease?
    /// The large request that is not answered yet: nothing behind it is executed meanwhile.
    private var leasedSequence: UInt32?
    private var isResumeScheduled = false
    private var inputIsClosed = false
    private var hasSentContinue = false
    /// Whether there was no request at the last `closeIfIdle`.
    private var wasIdle = false

    /// When something was sent last.
    var activeTick: Int64
    /// Since when a request has been arriving.
    private var requestBeganTick: Int64?
    /// What the peer had left unread in this tick, for telling a slow one from one that does not read at all.
    private var stall = (unsentBytes: 0, tick: Int64(0))
    private var lingerTick: Int64 = 0
    /// The other end, once somebody has asked for it.
    private(set) lazy var peer =
        stream.peerAddress().map { ClientAddress(high: $0.high, low: $0.low) } ?? ClientAddress.unknown
    /// What of `unsentBytes` the loop's sum has.
    private var countedUnsentBytes = 0

    init(stream: any ByteStream, loop: LoopConnections) {
        self.stream = stream
        self.loop = loop
        parser = RequestParser(limits: loop.limits.request)
        activeTick = loop.tick
    }

    var isClosed: Bool { phase == .closed }

    /// Begins to read, if there may be one more connection.
    func open() {
        stream.open(self)
        switch loop.add(self) {
        case .admitted: break
        case .dropped: close()
        case .refused: refuse(.tooManyConnections)
        }
    }
}

// MARK: - For the executor

extension Connection {
    /// Answers a request. Copies the bytes; they are sent at the end of the turn once all earlier requests are
    /// answered.
    /// - Parameters:
    ///   - bytes: a whole response.
    ///   - close: the connection says `Connection: close` with this answer, and drops the requests behind it.
    func answer(_ sequence: UInt32, _ bytes: UnsafeRawBufferPointer, close: Bool = false) {
        loop.traffic.count(marks[sequence], bytes)
        guard phase == .open || phase == .finishing else { return }
        loop.requestLog?.answered(on: self, sequence, bytes)
        if close { finish(after: sequence) }
        answers.answer(sequence, bytes)
        if sequence == leasedSequence { leasedSequence = nil }
        markDirty()
    }

    /// The request's answer is to say this of the limits that it counts for. To be called while it is executed.
    func note(_ standing: RateStanding, for sequence: UInt32) {
        guard phase == .open || phase == .finishing else { return }
        answers.note(standing, for: sequence)
    }

    /// The same for a large response that is all there is in `bytes`. Takes the memory instead of copying, where it can.
    func answer(_ sequence: UInt32, taking bytes: inout ByteWriter) {
        bytes.withBytes { loop.traffic.count(marks[sequence], $0) }
        if phase == .open || phase == .finishing {
            if let log = loop.requestLog { bytes.withBytes { log.answered(on: self, sequence, $0) } }
            answers.answer(sequence, taking: &bytes)
            if sequence == leasedSequence { leasedSequence = nil }
            markDirty()
        }
        giveBack(&bytes)
    }

    /// Memory for a large body or response, empty.
    func takeLargeMemory() -> ByteWriter { loop.largeRequests.takeSpare() }

    func giveBack(_ bytes: inout ByteWriter) {
        if bytes.capacity > Self.keptAnswerBytesMax { loop.largeRequests.giveBack(&bytes) }
    }

    func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.dirtyConnections.append(self)
    }

    /// Sends what is answered in order; called at the end of the turn.
    func flush() {
        isDirty = false
        guard phase == .open || phase == .finishing else { return }
        sendContinueIfDue()
        if !stream.isSending { sendNext() }
        countUnsent(unsentBytes)
        guard unsentBytes <= loop.limits.unsentBytesMax else { return close() }
        if answers.isFinished, answers.ready.isEmpty, body == nil, !stream.isSending { return linger() }
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

    /// Sets room aside for a large answer that is about to be given, beside what there is already.
    /// - Returns: false when the loop's large requests take as much as they may: the request is to be refused.
    func setAsideForAnswer(_ bytes: Int) -> Bool { takeLease((lease?.bytes ?? 0) + bytes) }

    private func takeLease(_ bytes: Int) -> Bool {
        if let lease { return lease.grow(to: bytes) }
        lease = loop.largeRequests.lease(bytes)
        return lease != nil
    }

    /// Unless the next large request has begun to arrive.
    private func releaseLeaseIfSent() {
        if leasedSequence == nil, requestBeganTick == nil, answers.ready.isEmpty { lease = nil }
    }

    private func sendNext() {
        if !answers.ready.isEmpty { return sendReady() }
        if let body, answers.isFinished { sendBody(body) }
    }

    private func sendReady() {
        activeTick = loop.tick
        swap(&sending, &answers.ready)
        // Stays where it is until `sent`: nothing writes to `sending` before.
        sending.withBytes { stream.send($0) }
    }

    func sent() {
        activeTick = loop.tick
        if let body, body.isSending {
            body.sliceIsSent()
            if !body.isSending { giveBackChunk(of: body) }
            return markDirty()
        }
        if sending.capacity > Self.keptAnswerBytesMax {
            loop.largeRequests.giveBack(&sending)
        } else {
            sending.removeAll()
        }
        countUnsent(unsentBytes)
        if lease != nil { releaseLeaseIfSent() }
        if phase == .open, !isHeldBack, answers.ready.isEmpty { return }
        markDirty()
    }

    /// Answer bytes that the kernel has not taken yet.
    private var unsentBytes: Int {
        // A stream's chunk belongs to all its listeners together.
        let isShared = body?.isSending ?? false
        return answers.ready.count + answers.earlyBytes + (isShared ? 0 : stream.unsentBytes)
    }

    private func countUnsent(_ bytes: Int) {
        loop.unsentBytes += bytes - countedUnsentBytes
        countedUnsentBytes = bytes
    }

    /// Answers what is in flight, the last with `Connection: close`, and closes; what has arrived behind it is dropped.
    ///
    /// With nothing in flight the next request is the last one (see `begin`), because it may be on its way already: a
    /// connection that is closed now would leave it without an answer. For how long, `closeIfIdle` says.
    func drain() {
        if body != nil { return endStream() }
        guard phase == .open, answers.inFlight > 0 else { return }
        finishNow()
    }

    /// Closes a connection that is to be drained and has been without a request since the last call.
    func closeIfIdle() {
        guard phase == .open, body == nil, answers.inFlight == 0, requestBeganTick == nil else { return }
        if wasIdle { finishNow() }
        wasIdle = true
    }

    private func finishNow() {
        phase = .finishing
        answers.finish()
        dropUnread()
        markDirty()
    }

    /// Closes at once, answered or not.
    func close() { stream.close() }

    func finish(after sequence: UInt32) {
        if phase == .open { phase = .finishing }
        answers.finish(after: sequence)
        dropUnread()
    }

    private func dropUnread() {
        requestBeganTick = nil
        unread = []
        isHeldBack = false
        if !inputIsClosed { stream.startReceiving() }
    }
}

// MARK: - Requests

extension Connection {
    private var mustHoldBack: Bool {
        leasedSequence != nil || answers.inFlight >= loop.limits.requestsInFlightMax
            || unsentBytes >= unsentBytesPause
    }

    private var unsentBytesPause: Int {
        loop.unsentBytes < loop.limits.unsentBytesPauseOfLoop ? loop.limits.unsentBytesPause : 1
    }

    /// Executes the requests that are complete, and returns how many bytes they were.
    private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while phase == .open, offset < bytes.count {
            if mustHoldBack {
                isHeldBack = true
                stream.stopReceiving()
                return offset
            }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch parser.parse(rest) {
            case .needMore:
                waitForMore(rest)
                return offset
            case .request(let request, let consumedBytes):
                offset += consumedBytes
                begin(request, UnsafeRawBufferPointer(rebasing: rest[..<consumedBytes]))
            case .failure(let rejection):
                refuse(rejection, requestID: clientRequestID(in: rest))
            }
        }
        return phase == .open ? offset : bytes.count
    }

    private func begin(_ request: HTTPRequest, _ bytes: UnsafeRawBufferPointer) {
        requestBeganTick = nil
        hasSentContinue = false
        let sequence = beginRequest()
        if !request.keepAlive || loop.isDraining { finish(after: sequence) }
        loop.requestLog?.began(request, bytes, on: self, sequence)
        loop.executor.execute(request, bytes: bytes, on: self, sequence: sequence)
    }

    private func beginRequest() -> UInt32 {
        let sequence = answers.begin()
        marks.add(loop.traffic.mark(), sequence, inFlight: answers.unanswered)
        return sequence
    }

    /// What the request asks for, for the metrics. To be called while it is executed.
    func setRoute(_ route: RouteNumber, of sequence: UInt32) { marks[sequence].route = route }

    private func waitForMore(_ received: UnsafeRawBufferPointer) {
        if requestBeganTick == nil { requestBeganTick = loop.tick }
        if let bodyBytes = parser.largeBodyBytes, !leaseMemory(forBody: bodyBytes, received.count) {
            return refuse(.tooManyLargeRequests, requestID: clientRequestID(in: received))
        }
        // A client that has begun to send the body does not wait for a leave to do so.
        if parser.awaitsContinue, received.count > parser.bodyStart { hasSentContinue = true }
        sendContinueIfDue()
    }

    /// For what has arrived, and for as much again. What was only announced takes nothing: a few clients that announce
    /// much and send little would keep the others out.
    private func leaseMemory(forBody bodyBytes: Int, _ receivedBytes: Int) -> Bool {
        takeLease(min(bodyBytes, 2 * max(receivedBytes, Self.largeBodyBytesFirst)))
    }

    /// `100 Continue` belongs behind the answers to all earlier requests.
    private func sendContinueIfDue() {
        guard phase == .open, parser.awaitsContinue, !hasSentContinue, answers.inFlight == 0 else { return }
        hasSentContinue = true
        answers.ready.append("HTTP/1.1 100 Continue\r\n\r\n")
        markDirty()
    }

    /// Answers in place of the executor, after all requests before, and closes.
    /// - Parameter requestID: what the client calls the request; empty where that isn't known.
    private func refuse(_ rejection: HTTPRejection, requestID: ShortText = .empty) {
        let sequence = beginRequest()
        finish(after: sequence)
        var reply = ReplyContext(requestID: RequestID(random: (.random(in: .min ... .max), .random(in: .min ... .max))))
        reply.clientRequestID = requestID
        var writer = ResponseWriter(capacity: 512)
        let response = writer.write(rejection, reply)
        writer.bytes.withBytes(in: response) { answer(sequence, $0, close: true) }
        loop.executor.requestRefused(rejection, on: self)
    }

    /// - Parameter bytes: from the first byte on of the request that is being read.
    private func clientRequestID(in bytes: UnsafeRawBufferPointer) -> ShortText {
        Call.visible(bytes[parser.requestId]) ?? .empty
    }

    private func consumeUnread() {
        // Taken out for the time of reading: the executor may close the connection meanwhile.
        var bytes: [UInt8] = []
        swap(&bytes, &unread)
        let consumedBytes = bytes.withUnsafeBytes { consume($0) }
        guard phase == .open, consumedBytes < bytes.count else {
            if bytes.capacity > Self.keptAnswerBytesMax { loop.largeRequests.giveBack(&bytes) }
            return
        }
        bytes.removeFirst(consumedBytes)
        unread = bytes
    }
}

// MARK: - The stream

extension Connection {
    func received(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .open else { return }
        guard unread.isEmpty, !isHeldBack else {
            unread.append(contentsOf: bytes)
            if !isHeldBack { consumeUnread() }
            return
        }
        let consumedBytes = consume(bytes)
        guard phase == .open, consumedBytes < bytes.count else { return }
        if parser.requestBytes > Self.keptAnswerBytesMax { unread = loop.largeRequests.takeInput() }
        unread.append(contentsOf: bytes[consumedBytes...])
    }

    func receiveEnded() {
        inputIsClosed = true
        closeIfInputEnded()
    }

    func failed(_ failure: StreamFailure) {
        switch failure {
        case .notEncrypted:
            if phase == .open { refuse(.notEncrypted) } else { close() }
        case .broken:
            guard phase == .open || phase == .finishing else { return }
            phase = .lingering
            lingerTick = loop.tick
            dropUnread()
        }
    }

    func closed() {
        phase = .closed
        if let body {
            self.body = nil
            giveBackChunk(of: body)
            body.source.streamHasEnded(self)
        }
        countUnsent(0)
        dropUnread()
        loop.requestLog?.closed(self)
        loop.remove(self)
        loop.executor.connectionClosed(self)
    }

    /// A peer that has shut its side down still gets the answers to what it has sent whole.
    private func closeIfInputEnded() {
        guard inputIsClosed else { return }
        if phase == .lingering { return close() }
        if body != nil { return endStream() }
        if !isHeldBack, phase == .open { finishNow() }
    }

    /// In a turn of its own: `flush` runs at the end of one.
    private func scheduleResume() {
        guard !isResumeScheduled else { return }
        isResumeScheduled = true
        loop.eventLoop.submit { self.resume() }
    }

    private func resume() {
        isResumeScheduled = false
        guard phase == .open, isHeldBack, !mustHoldBack else { return }
        isHeldBack = false
        if requestBeganTick != nil { requestBeganTick = loop.tick }
        consumeUnread()
        if !isHeldBack, !inputIsClosed { stream.startReceiving() }
        closeIfInputEnded()
    }

    private func linger() {
        phase = .lingering
        lingerTick = loop.tick
        if inputIsClosed { return close() }
        stream.endSending()
    }
}

// MARK: - Time

extension Connection {
    /// Called once a tick.
    func checkTimeouts() {
        let limits = loop.limits
        if phase == .lingering {
            if loop.tick - lingerTick >= loop.ticks(limits.lingerTimeoutMs) { close() }
        } else if !stream.isReady {
            // Nothing was sent before the handshake: this is since when the connection is there.
            if loop.tick - activeTick >= loop.ticks(limits.handshakeTimeoutMs) { close() }
        } else if isStalled {
            loop.traffic.countStalled(isStream: body != nil)
            close()
        } else if let body {
            checkTime(of: body)
        } else if let requestBeganTick, !isHeldBack {
            guard loop.tick - requestBeganTick >= loop.ticks(limits.requestTimeoutMs) else { return }
            refuse(.timeout, requestID: unread.withUnsafeBytes { clientRequestID(in: $0) })
        } else if answers.inFlight == 0, loop.tick - activeTick >= loop.ticks(limits.idleTimeoutMs) {
            close()
        }
    }

    /// Whether the peer has not read a byte of what waits for it, for too long.
    private var isStalled: Bool {
        let unsentBytes = stream.unsentBytes
        if unsentBytes == 0 || unsentBytes != stall.unsentBytes { stall = (unsentBytes, loop.tick) }
        // One send may be as long as the one before it.
        return loop.tick - max(stall.tick, activeTick) >= loop.ticks(loop.limits.writeStallTimeoutMs)
    }
}
