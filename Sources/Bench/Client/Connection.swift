import Glibc

/// One keep-alive connection with at most one request under way.
///
///     idle → busy → idle ; either → closed → idle (after a new connect)
///
/// Memory: the two buffers, about 36 KiB, allocated once and freed by `deallocate()`. The load loop keeps its
/// connections in one block of memory and is the only one to touch them, on one thread.
struct Connection<Flow> {
    enum ReadResult {
        case incomplete
        case complete(Answer)
        case closed
        case notUnderstood
    }

    static var responseBytesMax: Int { 32 * 1024 }

    var descriptor: Int32 = -1
    var flow: Flow
    var request = RequestBuffer()
    /// The call under way; nil while idle.
    var call: Int?
    /// When the call was meant to leave, and from when its latency counts.
    var intendedNanoseconds: UInt64 = 0

    private let response = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.responseBytesMax, alignment: 64)
    private var receivedCount = 0
    private var parser = ResponseParser()

    init(flow: Flow) {
        self.flow = flow
    }

    mutating func open(to endpoint: Endpoint) throws(SystemCallError) {
        precondition(descriptor < 0)
        descriptor = try Socket.connect(to: endpoint, nonBlocking: true)
        receivedCount = 0
        parser.reset()
    }

    mutating func closeDescriptor() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    mutating func deallocate() {
        closeDescriptor()
        request.deallocate()
        response.deallocate()
    }

    /// The last answer asked for its connection to be closed.
    var mustReconnect: Bool { parser.closesConnection }

    /// Sends what is unsent. True unless the connection is broken; what did not fit leaves when the socket
    /// becomes writable.
    @inline(__always)
    mutating func flush() -> Bool {
        while true {
            let unsent = request.unsent
            if unsent.isEmpty { return true }
            let sent = send(descriptor, unsent.baseAddress, unsent.count, Int32(MSG_NOSIGNAL))
            if sent > 0 {
                request.markSent(sent)
            } else if errno == EAGAIN {
                return true
            } else if errno != EINTR {
                return false
            }
        }
    }

    /// Prepares for the answer to a new request.
    @inline(__always)
    mutating func expectAnswer() {
        receivedCount = 0
        parser.reset()
    }

    /// Reads until an answer is complete or nothing more is there.
    @inline(__always)
    mutating func read() -> ReadResult {
        while true {
            guard receivedCount < response.count else { return .notUnderstood }
            let room = response.count - receivedCount
            let received = recv(descriptor, response.baseAddress! + receivedCount, room, 0)
            if received > 0 {
                receivedCount += received
                guard call != nil else { return .notUnderstood }
                if let result = parse() { return result }
            } else if received == 0 {
                return .closed
            } else if errno == EAGAIN {
                return .incomplete
            } else if errno != EINTR {
                return .closed
            }
        }
    }

    @inline(__always)
    private mutating func parse() -> ReadResult? {
        let bytes = UnsafeRawBufferPointer(rebasing: response[..<receivedCount])
        do throws(ResponseParser.ParseError) {
            guard try parser.parse(bytes) else { return nil }
        } catch {
            return .notUnderstood
        }
        let body = UnsafeRawBufferPointer(rebasing: bytes[parser.headBytes...])
        return .complete(Answer(status: parser.status, hasRetryAfter: parser.hasRetryAfter, body: body))
    }
}

/// Steps of the scenario, taken here because they change the flow and the request buffer at once.
extension Connection {
    @inline(__always)
    mutating func begin<S: Scenario>(_ scenario: inout S) -> Int where S.Flow == Flow {
        scenario.begin(&flow, request: &request)
    }

    @inline(__always)
    mutating func answered<S: Scenario>(
        _ call: Int,
        _ answer: Answer,
        mayContinue: Bool,
        by scenario: inout S
    ) -> AnswerOutcome where S.Flow == Flow {
        scenario.answered(call, answer, flow: &flow, mayContinue: mayContinue, request: &request)
    }

    mutating func lost<S: Scenario>(_ call: Int, by scenario: inout S) where S.Flow == Flow {
        scenario.lost(call, flow: &flow)
    }
}
