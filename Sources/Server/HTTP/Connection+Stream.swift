// Answers that go on: a head, and then chunks for as long as the client listens. A stream is the last answer of its
// connection: what the client sends behind the request is not executed.

extension Connection {
    /// The answer to a request may become a stream: nothing behind it is executed. To be called while it is executed.
    /// - Parameter source: kept until it is told that the stream has ended, or the request is refused.
    func awaitStream(_ sequence: UInt32, from source: any StreamSource, _ terms: StreamTerms) {
        // Years are as good as for ever, and can be added to.
        let endTick = terms.durationMs.map { loop.tick + loop.ticks(min(max(0, $0), 1 << 40)) } ?? .max
        body = StreamBody(source: source, isChunked: terms.isChunked, endTick: endTick, key: terms.key)
        finish(after: sequence)
    }

    /// Answers the awaited request with the head of a stream.
    /// - Parameter sendBufferBytes: what the kernel may keep of it for a client that reads slowly.
    func beginStream(_ sequence: UInt32, head: UnsafeRawBufferPointer, sendBufferBytes: Int32) {
        guard let body, body.phase == .awaited || body.phase == .ending else { return }
        stream.keepLittle(
            sendBufferBytes: sendBufferBytes,
            peerTimeoutMilliseconds: Int32(clamping: loop.limits.streamPeerTimeoutMs)
        )
        body.begin()
        answer(sequence, head)
        if loop.isDraining { endStream() }
    }

    /// Answers the awaited request with something else.
    func refuseStream(_ sequence: UInt32, _ bytes: UnsafeRawBufferPointer) {
        body = nil
        answer(sequence, bytes)
    }

    /// Whether a chunk may be sent: all before it is with the kernel.
    var isStreamReady: Bool { body?.isReady ?? false }

    /// - Precondition: `isStreamReady`.
    func send(_ chunk: StreamChunk) {
        guard let body else { return }
        body.add(chunk)
        body.held = loop.heldChunks.add(chunk, of: self)
        markDirty()
    }

    /// Ends the stream, and the connection, when all before is sent.
    func endStream(last: StreamChunk? = nil) {
        body?.end(last: last)
        markDirty()
    }

    /// Sends what there is next. Called when nothing is with the kernel and the head has gone.
    func sendBody(_ body: StreamBody) {
        if let slice = body.nextSlice() {
            activeTick = loop.tick
            return stream.send(slice)
        }
        switch body.phase {
        case .flowing:
            body.source.streamIsReady(self)
        case .ended:
            self.body = nil
            body.source.streamHasEnded(self)
        case .awaited, .ending: break
        }
    }

    /// The chunk is with the kernel whole, or will not be sent any more.
    func giveBackChunk(of body: StreamBody) {
        guard let held = body.held else { return }
        body.held = nil
        loop.heldChunks.remove(held)
    }

    /// Ends a stream whose time is over, or whose token nobody accepts any more. One that has been silent will be told
    /// something.
    func checkTime(of body: StreamBody) {
        if loop.tick >= body.endTick || !hasKey(of: body) { return endStream() }
        if isSilent(body) { loop.heartbeats.add(self, body) }
    }

    private func hasKey(of body: StreamBody) -> Bool {
        guard let keys = loop.streamKeys, let key = body.key else { return true }
        let generation = keys.generation
        guard body.keyGeneration != generation else { return true }
        body.keyGeneration = generation
        return keys.has(key)
    }

    /// Says something on a stream that is still silent, so that those between know that it lives, and we, whether the
    /// client does.
    func sendHeartbeat(_ body: StreamBody) {
        if self.body === body, isSilent(body) { send(.heartbeat) }
    }

    private func isSilent(_ body: StreamBody) -> Bool {
        body.isReady && loop.tick - activeTick >= loop.ticks(loop.limits.streamHeartbeatMs)
    }
}
