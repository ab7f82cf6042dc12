import Glibc

/// One keep-alive connection with one batch under way. Its answer is looked at as it comes, and kept nowhere.
struct BatchConnection {
    enum ReadResult {
        case incomplete
        case complete
        case failed(String)
    }

    let descriptor: Int32
    var request: BatchRequestBytes
    var sentNanoseconds: UInt64 = 0
    private var head: [UInt8] = []
    private var parser = ResponseParser()
    private var bodyBytesLeft = 0
    private var hasHead = false
    private var scanner = AnswerLineScanner()

    init(endpoint: Endpoint, request: BatchRequestBytes) throws(SystemCallError) {
        self.request = request
        descriptor = try Socket.connect(to: endpoint, nonBlocking: true)
        head.reserveCapacity(1024)
    }

    func deallocate() {
        close(descriptor)
        request.deallocate()
    }

    /// The answer to the last batch as far as it has come.
    var answeredLines: Int { scanner.lines }
    var status: Int { parser.status }

    mutating func begin(number: UInt64, _ now: UInt64) -> Bool {
        request.renumber(from: number)
        sentNanoseconds = now
        head.removeAll(keepingCapacity: true)
        parser.reset()
        hasHead = false
        scanner = AnswerLineScanner()
        return flush()
    }

    /// Sends what is unsent; false when the connection is broken.
    mutating func flush() -> Bool {
        while !request.unsent.isEmpty {
            let unsent = request.unsent
            let sent = send(descriptor, unsent.baseAddress, unsent.count, Int32(MSG_NOSIGNAL))
            if sent > 0 {
                request.markSent(sent)
            } else if errno == EAGAIN {
                return true
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Reads until the answer is complete or nothing more is there.
    mutating func read(
        into scratch: UnsafeMutableRawBufferPointer,
        _ answered: (_ line: Int, _ status: Int) -> Void
    ) -> ReadResult {
        while true {
            let received = recv(descriptor, scratch.baseAddress, scratch.count, 0)
            if received > 0 {
                let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<received])
                if let result = take(bytes, answered) { return result }
            } else if received == 0 {
                return .failed("the server closed the connection")
            } else if errno == EAGAIN {
                return .incomplete
            } else if errno != EINTR {
                return .failed("recv: \(String(cString: strerror(errno)))")
            }
        }
    }

    private mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        _ answered: (_ line: Int, _ status: Int) -> Void
    ) -> ReadResult? {
        var body = bytes
        if !hasHead {
            let before = head.count
            head.append(contentsOf: bytes.prefix(1024))
            do {
                _ = try head.withUnsafeBytes { try parser.parse($0) }
            } catch ResponseParser.ParseError.trailingBytes {
                // More than the head is here: that is what the body's own scanner is for.
            } catch {
                return .failed("not understood: \(error)")
            }
            guard parser.headBytes > 0 else { return nil }
            hasHead = true
            bodyBytesLeft = parser.bodyBytes
            body = UnsafeRawBufferPointer(rebasing: bytes[(parser.headBytes - before)...])
        }
        guard body.count <= bodyBytesLeft else { return .failed("more bytes than the answer has") }
        bodyBytesLeft -= body.count
        if parser.status == 200 { scanner.scan(body, answered) }
        return bodyBytesLeft == 0 ? .complete : nil
    }
}
